import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lifetimeOf } from '../../lib/core/lifetime.ts';
import { epochMs, hours } from '../../lib/core/types.ts';
import { START } from '../kit/records.ts';
import { testProvider } from '../kit/vendor.ts';

const inSeconds = testProvider();
const inMilliseconds = testProvider({ expiresIn: 'milliseconds' });
const NOW = START / 1000;

const read = (expires_in: unknown, exp?: unknown, provider = inSeconds) => {
  const claims = exp === undefined ? {} : { exp };
  const answer = { accessToken: 't', tokenType: 'Bearer', json: { expires_in }, claims };
  const lifetime = lifetimeOf(provider, answer, START);
  return lifetime === 'invalid_lifetime' ? lifetime : [(lifetime.expiresAt - START) / 1000, ...lifetime.warnings];
};

describe('expires_in', () => {
  it.each<[string, unknown, unknown]>([
    ['in seconds', 600, [600]],
    ['as a text', '600', [600]],
    ['as a text with blanks', ' 600 ', [600]],
    ['with a fraction', 0.9, [0.9]],
    ['missing', undefined, [3600, 'lifetime_assumed']],
    ['null', null, [3600, 'lifetime_assumed']],
    ['an empty text', '', [3600, 'lifetime_assumed']],
    ['a text without a number', 'soon', [3600, 'lifetime_assumed']],
    ['an object', {}, [3600, 'lifetime_assumed']],
    ['a list', [600], [3600, 'lifetime_assumed']],
    ['true', true, [3600, 'lifetime_assumed']],
    ['as long as believable', 25 * 3600, [25 * 3600]],
    ['absurd', 25 * 3600 + 1, [3600, 'lifetime_capped']],
    ['the largest number', Number.MAX_VALUE, [3600, 'lifetime_capped']],
    ['zero', 0, 'invalid_lifetime'],
    ['zero as a text', '0', 'invalid_lifetime'],
    ['minus zero', -0, 'invalid_lifetime'],
    ['negative', -1, 'invalid_lifetime'],
    ['less than a millisecond', 1e-9, 'invalid_lifetime'],
  ])('%s', (_, given, expected) => expect(read(given)).toEqual(expected));

  it('is read in milliseconds if the provider uses them, unless that would be absurdly short', () => {
    expect(read(3_600_000, undefined, inMilliseconds)).toEqual([3600]);
    expect(read(144_000, undefined, inMilliseconds)).toEqual([144]);
    expect(read(10_000, undefined, inMilliseconds)).toEqual([10, 'lifetime_implausible']);
    expect(read(3600, undefined, inMilliseconds)).toEqual([3600, 'lifetime_unit_guessed']);
  });
});

describe('the token’s own exp', () => {
  it.each<[string, unknown, unknown, unknown]>([
    ['wins over expires_in', 600, NOW + 1200, [1200]],
    ['is used if expires_in is missing', undefined, NOW + 1200, [1200]],
    ['may have a fraction', 600, NOW + 0.5, [0.5]],
    ['in the past refuses the token, whatever expires_in says', 600, NOW - 1, 'invalid_lifetime'],
    ['at this moment refuses it', 600, NOW, 'invalid_lifetime'],
    ['does not save a token with a lifetime of zero', 0, NOW + 1200, 'invalid_lifetime'],
    ['in milliseconds by mistake is capped', 600, START + 1200, [3600, 'lifetime_capped']],
    ['beyond all measure is capped', 600, 1e300, [3600, 'lifetime_capped']],
    ['that is a text is ignored', 600, String(NOW + 1200), [600]],
    ['that is not a number is ignored', 600, Number.NaN, [600]],
  ])('%s', (_, given, exp, expected) => expect(read(given, exp)).toEqual(expected));
});

it('counts from before the request, not from when the answer is read', () => {
  const answer = { accessToken: 't', tokenType: 'Bearer', json: { expires_in: 60 }, claims: {} };
  expect(lifetimeOf(inSeconds, answer, epochMs(1000))).toMatchObject({ expiresAt: 61_000 });
});

it('for any answer, a token expires at a whole millisecond in the future and within reason', () => {
  const anything = fc.oneof(fc.anything(), fc.double(), fc.double().map(String), fc.integer());
  fc.assert(
    fc.property(anything, anything, fc.constantFrom(inSeconds, inMilliseconds), (given, exp, provider) => {
      const answer = { accessToken: 't', tokenType: 'Bearer', json: { expires_in: given }, claims: { exp } };
      const lifetime = lifetimeOf(provider, answer, START);
      if (lifetime === 'invalid_lifetime') return;
      expect(Number.isSafeInteger(lifetime.expiresAt)).toBe(true);
      expect(lifetime.expiresAt).toBeGreaterThan(START);
      expect(lifetime.expiresAt - START).toBeLessThanOrEqual(hours(25));
    }),
    { seed: 13, numRuns: 5000 },
  );
});
