import type { Provider, TokenAnswer, Warning } from './provider.ts';
import { type EpochMs, epochMs, type Milliseconds, plus, seconds } from './types.ts';

/** A lifetime this many times longer than documented is a mistake of the provider, or of a unit. */
const ABSURD = 25;
/** No token is valid for less than this: a smaller number of "milliseconds" was meant as seconds. */
const SHORTEST_IN_MILLISECONDS = seconds(10);

export type Lifetime = { readonly expiresAt: EpochMs; readonly warnings: readonly Warning[] } | 'invalid_lifetime';

/**
 * When the token of an answer expires. The JWT's own `exp` comes first, then `expires_in` in the provider's unit,
 * counted from before the request was sent, then the documented lifetime. Zero, negative and past values are refused.
 */
export const lifetimeOf = (provider: Provider, answer: TokenAnswer, sentAt: EpochMs): Lifetime => {
  const warnings: Warning[] = [];
  const isStated = provider.expiresIn !== 'never stated';
  const given = isStated ? numberIn(answer.json.expires_in) : undefined;
  if (given !== undefined && given <= 0) return 'invalid_lifetime';

  const exp = answer.claims.exp;
  let life: Milliseconds;
  if (typeof exp === 'number' && Number.isFinite(exp)) {
    life = seconds(exp) - sentAt;
  } else if (given !== undefined) {
    const inMilliseconds = provider.expiresIn === 'milliseconds';
    const guessed = inMilliseconds && given < SHORTEST_IN_MILLISECONDS;
    if (guessed) warnings.push('lifetime_unit_guessed');
    life = inMilliseconds && !guessed ? given : seconds(given);
    // The other unit might be right. But a lifetime read too short causes an early renewal; one read too long serves
    // expired tokens.
    if (inMilliseconds && !guessed && life < provider.lifetime / ABSURD) warnings.push('lifetime_implausible');
  } else {
    if (isStated) warnings.push('lifetime_assumed');
    life = provider.lifetime;
  }

  if (life > provider.lifetime * ABSURD) {
    warnings.push('lifetime_capped');
    life = provider.lifetime;
  }
  const expiresAt = epochMs(Math.floor(plus(sentAt, life)));
  return expiresAt > sentAt ? { expiresAt, warnings } : 'invalid_lifetime';
};

/** The tick follows the documented lifetime: a token with a much shorter one may expire between two ticks. */
export const isTooShort = (
  { issuedAt, expiresAt }: { readonly issuedAt: EpochMs; readonly expiresAt: EpochMs },
  tick: Milliseconds,
): boolean => expiresAt - issuedAt < 3 * tick;

const numberIn = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
};
