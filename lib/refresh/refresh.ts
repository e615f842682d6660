import { framesOf } from '../core/errors.ts';
import type { Provider } from '../core/provider.ts';
import { type Listed, plus } from '../core/types.ts';
import type { Cause } from './calls.ts';
import { Commit, type RefreshDeps, withoutToken } from './commit.ts';
import { type RefreshReport, reportOf } from './report.ts';
import { Run } from './run.ts';

/**
 * The protocol of one refresh. Its order makes a crash safe at any point:
 *
 *     claim    version+1, due again when the lease ends; proves that the table takes writes before a token is spent
 *     grant    call the provider
 *     keep     the new refresh token, before anything else, since the old one is spent
 *     publish  the token, unless a newer version is there
 *     settle   due at the next renewal
 *
 * A failure anywhere leaves the published token as it was.
 */
export const refreshConnection = async (
  deps: RefreshDeps,
  provider: Provider,
  listed: Listed,
  cause: Cause,
): Promise<RefreshReport> => {
  const startedAt = deps.clock.now();
  const claimed = await deps.connections.claim(listed, {
    id: deps.claimId(),
    leaseUntil: plus(startedAt, deps.policy.lease),
    ...(cause === 'forced' && { forcedAt: startedAt }),
  });
  if (!claimed) return reportOf(listed, 'lost', {}, deps.clock.now() - startedAt);
  const commit = new Commit(deps, provider, listed, cause === 'missing' ? withoutToken(claimed) : claimed, startedAt);
  const run = new Run(deps, provider, commit.before, cause, startedAt);
  const report = await committed(commit, run);
  return run.overruled ? { ...report, overruled: true } : report;
};

const committed = async (commit: Commit, run: Run): Promise<RefreshReport> => {
  try {
    const obtained = await run.obtain();
    switch (obtained.kind) {
      case 'granted': {
        const report = await commit.granted(obtained, run);
        // If this fails, the login waits a little longer.
        if (obtained.grant.grant === 'refresh') await run.releaseLogin(obtained.credentials).catch(() => {});
        return report;
      }
      case 'unchanged':
        return await commit.unchanged(obtained);
      case 'postponed':
        return await commit.postponed(obtained);
      case 'failed':
        return await commit.failed(obtained, run);
    }
  } catch (error) {
    // Settled like any failure, with backoff: otherwise it would log in again at the end of each lease.
    return commit.failed(run.broken(), run, { bug: framesOf(error) });
  }
};
