import { RefresherError } from '../../lib/core/errors.ts';
import type { DiscoverReport } from '../../lib/discovery/discover.ts';
import { type WatchDeps, watch } from '../../lib/discovery/watch.ts';

/** Run by a schedule: the event is empty. */
export const watchHandler =
  (deps: WatchDeps, report: (report: DiscoverReport) => void) => async (): Promise<DiscoverReport> => {
    const found = await watch(deps);
    report(found);
    const { failures } = found;
    if (failures.length > 0)
      throw new RefresherError('store_failed', `the store did not take ${failures.length} changes`);
    return found;
  };
