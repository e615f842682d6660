import { type DiscoverDeps, type DiscoverReport, discover } from '../../lib/shell/discover.ts';

/** Scheduled: the event says nothing. */
export const discoverHandler =
  (deps: DiscoverDeps, report: (report: DiscoverReport) => void) => async (): Promise<DiscoverReport> => {
    const found = await discover(deps);
    report(found);
    return found;
  };
