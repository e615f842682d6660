import { allRecords, type DiscoverDeps, type DiscoverReport, discover } from '../../lib/discovery/discover.ts';

/** One discovery over the current records. */
export const discoverNow = async (deps: DiscoverDeps): Promise<DiscoverReport> =>
  discover(deps, await allRecords(deps));
