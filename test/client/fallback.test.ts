import { describe, expect, it } from 'vitest';
import { TokenError, type TokenErrorCode } from '../../lib/client/errors.ts';
import { withFallback } from '../../lib/client/fallback.ts';
import type { CurrentToken, TokenSource } from '../../lib/client/token.ts';
import { ACME, CLIENT_START, made } from './made.ts';

type Given = CurrentToken | TokenErrorCode | undefined;

/** A source that always has this token, or fails with this code. */
const having = (given: Given): TokenSource => {
  const renew = async () => {
    if (typeof given === 'string') throw new TokenError(given, ACME, 'planted');
    return given;
  };
  return {
    get: async () => {
      const token = await renew();
      if (!token) throw new Error('not read here');
      return token;
    },
    renew,
  };
};
const [first, second] = [made(1), made(2)];
const read = (one: Given, other: Given, minTtl = 60) =>
  withFallback(having(one), having(other), { now: () => CLIENT_START })
    .get(ACME, { minTtl, patience: 'long' })
    .catch(({ code }: TokenError) => code);

describe('a read', () => {
  it.each<[string, Given, Given, number, Given]>([
    ['takes the first source', first, second, 60, first],
    ['takes the second if the first fails', 'source_unreachable', second, 60, second],
    ['takes the second if the first refuses', 'forbidden', second, 60, second],
    ['takes the second if the first has no token', 'unknown_connection', second, 60, second],
    ['takes the second if the token of the first expires too soon', first, second, 1201, second],
    ['takes the first if the second has nothing better', first, 'source_unreachable', 1201, first],
    ['fails with what the second says about the connection', 'source_unreachable', 'not_yet', 60, 'not_yet'],
    ['fails with what the second says about the connection', 'unknown_connection', 'not_yet', 60, 'not_yet'],
    ['fails as the first if the second says nothing', 'no_valid_token', 'source_unreachable', 60, 'no_valid_token'],
    ['fails as the first if the second refuses', 'source_unreachable', 'forbidden', 60, 'source_unreachable'],
  ])('%s', async (_, one, other, minTtl, expected) => {
    expect(await read(one, other, minTtl)).toBe(expected);
  });
});

describe('a renewal', () => {
  it.each<[string, Given, Given, Given]>([
    ['takes a newer token of the first source', first, second, first],
    ['takes the second if the first has no newer one', undefined, second, second],
    ['takes the second if the first fails', 'source_unreachable', second, second],
    ['has none if neither has', undefined, undefined, undefined],
    ['fails as the second', undefined, 'forbidden', 'forbidden'],
  ])('%s', async (_, one, other, expected) => {
    const source = withFallback(having(one), having(other), { now: () => CLIENT_START });
    expect(await source.renew(made(0)).catch(({ code }: TokenError) => code)).toBe(expected);
  });
});
