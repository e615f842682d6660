import { describe, expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import type { Grant } from '../../lib/core/provider.ts';
import { START } from '../kit/records.ts';
import { answer, testProvider } from '../kit/vendor.ts';

const exchangeOf = (grant: Grant) => {
  const provider = testProvider();
  const opened = provider.open({ password: 'right' });
  if (!opened.ok) throw new Error('not opened');
  return { provider, account: opened.account, grant, sentAt: START };
};

describe.each(['login', 'refresh'] as const)('a %s grant', grant => {
  it.each([408, 425])('that is answered with %i and no words was not processed, and is tried again', status => {
    expect(interpret(exchangeOf(grant), answer('', status))).toEqual({
      kind: 'retry',
      code: 'request_rejected',
      status,
    });
  });

  it.each([408, 425])('that is answered with %i is tried again when the provider says', status => {
    expect(interpret(exchangeOf(grant), answer('', status, { 'retry-after': '7' }))).toMatchObject({
      kind: 'retry',
      retryAfter: 7000,
    });
  });
});
