import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionSchema } from '../../lib/aws/connection-item.ts';
import { storedSchema } from '../../lib/aws/session-table.ts';
import { tokenSchema } from '../../lib/aws/token-table.ts';
import { isErrorCode } from '../../lib/core/errors.ts';
import { type Granted, interpret, interpretFirstStep, retryAfterIn } from '../../lib/core/interpret.ts';
import { claimsOf } from '../../lib/core/jwt.ts';
import { defaultPolicy } from '../../lib/core/policy.ts';
import type { HttpReply } from '../../lib/core/provider.ts';
import { sessionAfter, settleFailed, settleGranted, tokenOf } from '../../lib/core/settle.ts';
import { hours, secretVersion, version } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { repliesOfAnyType } from '../kit/any-json.ts';
import { connectionOf, idOf } from '../kit/records.ts';
import { expectStorable } from '../kit/storable.ts';
import { cases } from '../kit/thorough.ts';
import { exchangeWith, fixturesOf, sentAt } from '../providers/fixtures.ts';

const SEED = 20260802;
const ANSWERS = cases(1500);
const A_CENTURY = 100 * 365.25 * hours(24);
const expectPlausible = (moment: number | undefined): void => {
  if (moment === undefined) return;
  expect(Number.isSafeInteger(moment)).toBe(true);
  expect(moment).toBeGreaterThan(sentAt);
  expect(moment).toBeLessThan(sentAt + A_CENTURY);
};

describe.each(providers)('whatever the type of what $id says', provider => {
  const { id } = provider;
  const { token, code } = fixturesOf(id);
  const connection = connectionOf(idOf('acme', id));
  const replies = repliesOfAnyType(token, claimsOf(String(token.access_token)));

  const issuer = { base: 'https://login.test', binding: 'b' };

  const expectGrantedStorable = (granted: Granted, kind: 'login' | 'refresh'): void => {
    const { account } = exchangeWith(id, kind);
    expectPlausible(granted.expiresAt);
    expectPlausible(granted.sessionEndsAt);
    expectStorable(tokenSchema, tokenOf(connection.connection, granted, version(7)));
    const held = { refreshToken: 'held', ...issuer };
    const session = sessionAfter(connection, held, { grant: kind, irreplaceable: false }, granted, provider, issuer);
    if (session) expectStorable(storedSchema, { version: version(7), session });
    const used = {
      tried: { version: secretVersion('1'), fingerprint: 'f' },
      account,
      session: session && { version: version(7) },
    };
    expectStorable(connectionSchema, { ...connection, ...settleGranted(defaultPolicy, connection, granted, used) });
  };

  it.each(['login', 'refresh'] as const)('a %s grant ends in a value that can be stored', kind => {
    let granted = 0;
    fc.assert(
      fc.property(replies, reply => {
        const outcome = interpret(exchangeWith(id, kind), reply);
        if (outcome.kind === 'granted') {
          granted += 1;
          expectGrantedStorable(outcome, kind);
          return;
        }
        expect(isErrorCode(outcome.code) && outcome.code !== 'internal_error').toBe(true);
        const settled = settleFailed(defaultPolicy, provider, connection, outcome, { calls: 1 }, sentAt, 0.5);
        expectStorable(connectionSchema, { ...connection, ...settled });
      }),
      { seed: SEED, numRuns: ANSWERS },
    );
    // Otherwise the property says nothing about tokens.
    expect(granted).toBeGreaterThan(ANSWERS / 10);
  });

  it('the first of two steps ends in a request or a code', () => {
    const exchange = exchangeWith(id);
    fc.assert(
      fc.property(repliesOfAnyType({ ...token, ...code }, {}), reply => {
        const step = interpretFirstStep(exchange, reply);
        expect(step.kind === 'next' || (isErrorCode(step.code) && step.code !== 'internal_error')).toBe(true);
      }),
      { seed: SEED, numRuns: cases(500) },
    );
  });
});

it('whatever Retry-After says, it is a bounded time or none', () => {
  let bounded = 0;
  fc.assert(
    fc.property(repliesOfAnyType({}, {}), (reply: HttpReply) => {
      const { retryAfter } = reply.kind === 'answer' ? retryAfterIn(reply.headers, sentAt) : {};
      if (retryAfter === undefined) return;
      bounded += 1;
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter).toBeLessThanOrEqual(hours(24));
    }),
    { seed: SEED, numRuns: ANSWERS },
  );
  expect(bounded).toBeGreaterThan(0);
});
