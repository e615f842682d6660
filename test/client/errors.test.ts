import { expect, it, vi } from 'vitest';
import { TokenCache } from '../../lib/client/cache.ts';
import { TokenError } from '../../lib/client/errors.ts';
import { ACME, made, madeEnvironment, steppedSource } from './made.ts';

/** What a process has that loads the package as an ES module and as CommonJS. */
const otherCopy = async () => {
  vi.resetModules();
  const { TokenError: Other } = await import('../../lib/client/errors.ts');
  expect(Other).not.toBe(TokenError);
  return Other;
};

it('an error of one copy of the package is a TokenError of the other', async () => {
  const Other = await otherCopy();
  const [own, other] = [TokenError, Other].map(Each => new Each('not_yet', ACME, 'planted'));
  expect([own instanceof Other, other instanceof TokenError, own instanceof TokenError]).toEqual([true, true, true]);
});

it.each([undefined, null, 'TokenError', {}, new Error('planted'), { name: 'TokenError', code: 'not_yet' }])(
  'any other value is not a TokenError: %s',
  value => {
    expect(value instanceof TokenError).toBe(false);
  },
);

it('a TokenError is not an instance of every subclass', () => {
  class Own extends TokenError {}
  const own = new Own('not_yet', ACME, 'planted');
  expect([own instanceof Own, own instanceof TokenError]).toEqual([true, true]);
  expect(new TokenError('not_yet', ACME, 'planted') instanceof Own).toBe(false);
});

it('the token of a connection that has ended is not used any more if the source is of another copy', async () => {
  const { environment, pass } = madeEnvironment();
  const { source, fetches } = steppedSource();
  const cache = new TokenCache({ ...environment, source });
  const first = cache.get(ACME, 0);
  fetches[0]?.answer(made(0));
  await first;
  pass(1_100_000);
  const next = cache.get(ACME, 0);
  const Other = await otherCopy();
  fetches[1]?.fail(new Other('unknown_connection', ACME, 'planted'));
  await expect(next).rejects.toMatchObject({ code: 'unknown_connection' });
});
