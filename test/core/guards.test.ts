import { expect, it } from 'vitest';
import { decideAsked } from '../../lib/core/decide.ts';
import { defaultPolicy as policy } from '../../lib/core/policy.ts';
import { sessionAfter } from '../../lib/core/settle.ts';
import { minutes, plus, seconds, secretVersion } from '../../lib/core/types.ts';
import { connectionOf, idOf, START } from '../support/records.ts';
import { testProvider } from '../support/vendor.ts';

/** Guards that nothing else would miss: found by taking them away. */

it('a token of a minute that was issued ten seconds ago is not just issued', () => {
  const issuedAt = plus(START, -seconds(10));
  const record = connectionOf(idOf('acme'), {
    status: 'healthy',
    issuedAt,
    expiresAt: plus(issuedAt, minutes(1)),
    dueAt: plus(START, seconds(20)),
    secretVersion: secretVersion('v1'),
    triedVersion: secretVersion('v1'),
  });
  expect(decideAsked(record, START, seconds(55), policy)).toEqual({ action: 'refresh', reason: 'asked' });
});

it('a login that did not lengthen the life of a token has a session all the same', () => {
  const seen = connectionOf(idOf('acme'), { issuedAt: START, expiresAt: plus(START, minutes(60)) });
  const granted = {
    kind: 'granted',
    accessToken: 'access',
    tokenType: 'Bearer',
    issuedAt: START,
    expiresAt: plus(START, minutes(60)),
    headers: {},
    baseUrl: 'https://api.test',
    refreshToken: 'new',
    warnings: [],
  } as const;
  const session = sessionAfter(seen, undefined, { kind: 'full', only: false }, granted, testProvider(), 'b');
  expect(session).toEqual({ refreshToken: 'new', baseUrl: 'https://api.test', binding: 'b' });
});
