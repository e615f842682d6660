import type { Budget } from '../core/provider.ts';
import { type EpochMs, epochMs, type Milliseconds, plus } from '../core/types.ts';

/** Calls that were booked a period apart may reach the provider so much closer together. */
export const SPREAD: Milliseconds = 500;

/** What booking calls into a sliding log gives: the log to store, or when enough old calls will have left it. */
export type Booking =
  | { readonly ok: true; readonly calls: readonly EpochMs[] }
  | { readonly ok: false; readonly retryAt: EpochMs };

/**
 * Books `cost` calls if no more than the budget then lie within any period. Exact also where clocks disagree: a call
 * is booked no earlier than the newest one, so that nothing dropped here can lie in the same period.
 */
export const book = (calls: readonly EpochMs[], budget: Budget, cost: number, now: EpochMs): Booking => {
  if (cost > budget.calls) throw new RangeError(`${cost} calls never fit into a budget of ${budget.calls}`);
  // A call booked further ahead than a whole period came from a wrong clock: it counts from now on, not until then.
  const known = calls.map(at => (at > plus(now, budget.per) ? now : at)).sort((a, b) => a - b);
  const at = epochMs(Math.max(now, known.at(-1) ?? now));
  const leaves = (call: EpochMs) => plus(call, budget.per + SPREAD);
  const within = known.filter(call => leaves(call) > at);
  const mustLeave = within.length + cost - budget.calls;
  const lastToLeave = mustLeave > 0 ? within[mustLeave - 1] : undefined;
  if (lastToLeave !== undefined) return { ok: false, retryAt: leaves(lastToLeave) };
  return { ok: true, calls: [...within, ...Array.from({ length: cost }, () => at)] };
};
