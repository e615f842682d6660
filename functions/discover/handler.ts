import { RefresherError } from '../../lib/core/errors.ts';
import { type DiscoverDeps, type DiscoverReport, discover } from '../../lib/shell/discover.ts';

/** Scheduled: the event says nothing. */
export const discoverHandler =
  (deps: DiscoverDeps, report: (report: DiscoverReport) => void) => async (): Promise<DiscoverReport> => {
    const found = await discover(deps);
    report(found);
    const { failures } = found;
    if (failures.length > 0)
      throw new RefresherError('store_failed', `the store did not take ${failures.length} changes`);
    return found;
  };
