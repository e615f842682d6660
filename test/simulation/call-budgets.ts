import { defaultPolicy } from '../../lib/core/policy.ts';
import { type ConnectionId, type EpochMs, hours, type Milliseconds } from '../../lib/core/types.ts';
import { rotatingProviders } from '../../local/simulators/index.ts';
import type { Customer } from './customers.ts';
import type { ProviderLedger } from './ledger.ts';
import { SIMULATION_START } from './network.ts';
import { lifeOf, type SeedScenario } from './scenario.ts';

interface Calls {
  readonly scenario: SeedScenario;
  readonly ledger: ProviderLedger;
  readonly customers: readonly Customer[];
  /** When a connection began to need a person, the last time. */
  readonly attentionAt: (connection: ConnectionId) => EpochMs | undefined;
}

/** A login of iOFFICE takes two calls. */
const stepsOf = (provider: string): number => (provider === 'ioffice' ? 2 : 1);

/** Exact if all processes share one time: no freeze, no skew. */
export const checkRateLimits = ({ scenario, ledger }: Calls): void => {
  const { providers, maxSkew, troubles } = scenario;
  if (maxSkew > 0 || troubles.some(({ kind }) => kind === 'freezes')) return;
  for (const { id, rateLimit } of providers) {
    const most = rateLimit ? ledger.mostCallsWithin(id, rateLimit.per) : 0;
    if (rateLimit && most > rateLimit.calls)
      ledger.violated(`${most} calls of ${id} whose rate limit allows ${rateLimit.calls}`);
  }
};

/** While a provider is down, it is not called more often than a random backoff of up to five minutes allows. */
export const checkOutages = ({ ledger, scenario, customers }: Calls): void => {
  // The provider also counts a neighbour's calls.
  if (scenario.neighbour) return;
  for (const { kind, share, from, to } of scenario.troubles) {
    if (kind !== 'outage' || share < 0.7 || to - from < hours(1)) continue;
    for (const { id } of scenario.providers) {
      const each = ledger.callsOf(id, from, to) / customers.filter(({ provider }) => provider === id).length;
      const most = (42 * (to - from)) / hours(1);
      if (each > most) ledger.violated(`${id}: ${Math.round(each)} calls for a connection in an outage`);
    }
  }
};

/** Calls to providers in the calm, divided by the necessary ones: the worst ratio of all providers, at most 1.1. */
export const checkCallRatio = (calls: Calls): number => {
  const { ledger, scenario, customers } = calls;
  const { calmFrom, end, providers, neighbour } = scenario;
  if (neighbour) return 0;
  const ratios = providers.map(({ id, lifetime }) => {
    const mine = customers.filter(({ provider }) => provider === id);
    const life = lifeOf({ id, lifetime });
    const needed = mine.reduce((sum, each) => sum + callsNeededBy(calls, each, life), 0);
    return ledger.callsOf(id, calmFrom, end) / needed;
  });
  const worst = Math.max(...ratios);
  if (worst > 1.1) ledger.violated(`${worst.toFixed(2)} times the calls that were needed`);
  return worst;
};

const callsNeededBy = (
  { scenario, attentionAt }: Calls,
  { provider, connection, secretChanges }: Customer,
  life: Milliseconds,
): number => {
  const { calmFrom, end, sessionsEnd } = scenario;
  // At the shortest allowed interval, beginning at the worst moment.
  const shortest = defaultPolicy.refreshAt * (1 - defaultPolicy.jitter);
  const renewals = Math.floor((end - calmFrom) / (shortest * life)) + 1;
  // One refused call finds a session that its provider ended, or a login that only a person had.
  const ended = rotatingProviders.has(provider) && sessionsEnd;
  const lost = (attentionAt(connection) ?? SIMULATION_START) >= calmFrom;
  // A corrected secret is tried once discovery notes it, even if the token is new.
  const late = secretChanges.filter(at => at >= calmFrom).length;
  const mended = Math.max(secretChanges.some(at => at > SIMULATION_START) ? 1 : 0, late);
  return stepsOf(provider) * (renewals + mended) + (ended || lost ? 1 : 0);
};
