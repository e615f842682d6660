import type { Policy } from '../../lib/core/policy.ts';
import { type Milliseconds, seconds } from '../../lib/core/types.ts';
import { until } from './poll.ts';
import type { RowStage } from './stage.ts';

/** The default policy with its lease and deadlines shortened in proportion: a test should not wait for 45 s. */
export const shortened = {
  callDeadline: seconds(1.5),
  runDeadline: seconds(3.5),
  commit: seconds(1),
  lease: seconds(5),
} satisfies Partial<Policy>;

export const SHORT_LIFETIME: Milliseconds = seconds(60);

/**
 * Waits until every token is old enough to be renewed by its refresh token instead of a login: a tenth of its lifetime.
 */
export const aged = (stage: RowStage): Promise<unknown> =>
  until('the tokens have aged', SHORT_LIFETIME, async () => {
    const tokens = await Promise.all(stage.ids.map(id => stage.token(id)));
    return tokens.every(({ issuedAt }) => Date.now() - issuedAt > SHORT_LIFETIME / 9);
  });
