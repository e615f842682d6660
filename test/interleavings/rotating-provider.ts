import { isObject, jsonObject } from '../../lib/core/json.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { type EpochMs, hours, type Milliseconds, plus, seconds } from '../../lib/core/types.ts';

/** A login begins a family, and each refresh grant continues it. */
interface Family {
  readonly from: 'login' | 'code';
  over: boolean;
}

/** A refresh token or a code that was redeemed a second time. */
export interface Replay {
  readonly from: Family['from'];
}

const LIFE: Milliseconds = hours(1);

/**
 * A provider written only for these tests. A refresh token works for one grant. Its second use ends its family: no
 * token of that login is accepted any more.
 */
export class RotatingProvider {
  password = 'right';
  readonly replays: Replay[] = [];
  #issued = 0;
  readonly #codes = new Map<string, Family>();
  readonly #refreshTokens = new Map<string, { readonly family: Family; spent: boolean }>();
  readonly #accessTokens = new Map<string, { readonly family: Family; readonly until: EpochMs; revoked: boolean }>();
  readonly #now: () => EpochMs;

  constructor(now: () => EpochMs) {
    this.#now = now;
  }

  readonly handle = ({ body = '' }: HttpRequest): HttpReply => {
    const { password, code, refresh, revoke } = jsonObject(body) ?? {};
    if (typeof revoke === 'string') return this.#revoke(revoke);
    if (typeof refresh === 'string') return this.#refresh(refresh);
    if (typeof code === 'string') return this.#redeem(code);
    return password === this.password ? this.#grant({ from: 'login', over: false }) : invalidGrant;
  };

  /** Whether a call of the API with this token would succeed. */
  accepts(accessToken: string): boolean {
    const token = this.#accessTokens.get(accessToken);
    return token !== undefined && !token.revoked && !token.family.over && token.until > this.#now();
  }

  #refresh(refreshToken: string): HttpReply {
    const held = this.#refreshTokens.get(refreshToken);
    if (!held) return invalidGrant;
    if (held.spent) return this.#replayed(held.family);
    if (held.family.over) return invalidGrant;
    held.spent = true;
    return this.#grant(held.family);
  }

  #redeem(code: string): HttpReply {
    const before = this.#codes.get(code);
    if (before) return this.#replayed(before);
    if (!code.startsWith('good')) return invalidGrant;
    const family: Family = { from: 'code', over: false };
    this.#codes.set(code, family);
    return this.#grant(family);
  }

  #replayed(family: Family): HttpReply {
    this.replays.push({ from: family.from });
    family.over = true;
    return invalidGrant;
  }

  #revoke(token: string): HttpReply {
    const held = this.#refreshTokens.get(token);
    if (held) held.family.over = true;
    const access = this.#accessTokens.get(token);
    if (access) access.revoked = true;
    return answer(200, {});
  }

  #grant(family: Family): HttpReply {
    this.#issued += 1;
    const [access_token, refresh_token] = [`access-${this.#issued}`, `refresh-${this.#issued}`];
    this.#accessTokens.set(access_token, { family, until: plus(this.#now(), LIFE), revoked: false });
    this.#refreshTokens.set(refresh_token, { family, spent: false });
    return answer(200, { access_token, refresh_token, expires_in: LIFE / seconds(1) });
  }
}

const answer = (status: number, body: object): HttpReply => ({
  kind: 'answer',
  status,
  headers: {},
  body: JSON.stringify(body),
});
const invalidGrant = answer(400, { error: 'invalid_grant' });

export const isGrant = (reply: HttpReply): boolean => {
  const json = reply.kind === 'answer' && reply.status === 200 ? jsonObject(reply.body) : undefined;
  return isObject(json) && typeof json.refresh_token === 'string';
};
