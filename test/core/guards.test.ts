import { expect, it } from 'vitest';
import { sessionAfter } from '../../lib/core/settle.ts';
import { minutes, plus } from '../../lib/core/types.ts';
import { connectionOf, idOf, START } from '../support/records.ts';
import { testProvider } from '../support/vendor.ts';

/** Guards that nothing else would miss: found by taking them away. */

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
  const issuer = { base: 'https://login.test', binding: 'b' };
  const session = sessionAfter(seen, undefined, { grant: 'login' }, granted, testProvider(), issuer);
  expect(session).toEqual({ refreshToken: 'new', ...issuer });
});
