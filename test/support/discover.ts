import { allRecords, type DiscoverDeps, type DiscoverReport, discover } from '../../lib/discovery/discover.ts';

/** One discovery over the records as they are now. */
export const discoverNow = async (deps: DiscoverDeps): Promise<DiscoverReport> =>
  discover(deps, await allRecords(deps));
