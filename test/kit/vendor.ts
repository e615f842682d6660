import { isObject, jsonObject } from '../../lib/core/json.ts';
import { defaultPolicy, type Policy } from '../../lib/core/policy.ts';
import type { Account, HttpReply, HttpRequest, Provider } from '../../lib/core/provider.ts';
import { type EpochMs, hours, type Milliseconds, plus, seconds } from '../../lib/core/types.ts';
import { idOf } from './records.ts';
import { World } from './world.ts';

export const answer = (body: unknown, status = 200, headers: Record<string, string> = {}): HttpReply => ({
  kind: 'answer',
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
export const lostAnswer: HttpReply = { kind: 'failed', code: 'timeout', sent: true };

/** This long after a grant, a connection with a token of an hour is due, whatever its jitter. */
export const SURELY_DUE: Milliseconds = Math.ceil(hours(1) * defaultPolicy.refreshAt * (1 + defaultPolicy.jitter));

/** An invented provider with all abilities of providers; `change` removes some. */
export const testProvider = (change: Partial<Provider> = {}, abilities: Partial<Account> = {}): Provider => ({
  id: 'test-provider',
  title: 'Test',
  lifetime: hours(1),
  expiresIn: 'seconds',
  callsPerRun: 2,
  concurrency: 2,
  locksAccounts: false,
  hosts: ['api.test', 'login.test'],
  fields: { required: ['password'], optional: ['code', 'client'] },
  open: secret => {
    if (!isObject(secret) || (typeof secret.password !== 'string' && typeof secret.code !== 'string')) {
      return { ok: false, problems: [{ field: 'password', message: '"password" is missing' }] };
    }
    const { password, code, client } = secret;
    return {
      ok: true,
      account: {
        limitKey: 'test-provider',
        base: 'https://login.test',
        sessionBinding: 'https://login.test/token client',
        logIn: () => ({
          ...post(typeof code === 'string' ? { code } : { password }),
          ...(typeof client === 'string' && { headers: { 'x-client': client } }),
        }),
        refresh: token => post({ refresh: token }),
        ...(typeof code === 'string' && { oneTimeCode: code }),
        ...(change.locksAccounts &&
          typeof code !== 'string' && { login: { key: 'test-provider#user', text: String(password) } }),
        usage: ({ accessToken }) => ({
          headers: { authorization: `Bearer ${accessToken}` },
          baseUrl: 'https://api.test',
        }),
        ...abilities,
      },
    };
  },
  ...change,
});

const post = (body: object): HttpRequest => ({
  method: 'POST',
  url: 'https://login.test/token',
  headers: {},
  body: JSON.stringify(body),
});

/**
 * The provider's side: rotates refresh tokens, accepts codes once, ends a family whose token is reused, counts
 * everything.
 */
export class Vendor {
  password = 'right';
  life: Milliseconds = hours(1);
  /** Replaces answers, one per call; `undefined` lets one call through. */
  readonly script: (((request: HttpRequest) => HttpReply) | undefined)[] = [];
  /** The grants that it was sent: `password`, `refresh` or `code`. */
  readonly grants: string[] = [];
  /** Uses of spent tokens and codes. */
  reused = 0;
  #serial = 0;
  #sessions = new Map<string, { readonly family: number; spent: boolean }>();
  #tokens = new Map<string, { readonly family: number; readonly until: EpochMs }>();
  #redeemed = new Map<string, number>();
  readonly #now: () => EpochMs;
  constructor(now: () => EpochMs) {
    this.#now = now;
  }

  readonly handle = (request: HttpRequest): HttpReply => {
    const body = jsonObject(request.body ?? '') ?? {};
    this.grants.push(Object.keys(body)[0] ?? 'nothing');
    const instead = this.script.shift();
    return instead ? instead(request) : this.answer(body);
  };

  answer(body: Readonly<Record<string, unknown>>): HttpReply {
    if (typeof body.refresh === 'string') {
      const held = this.#sessions.get(body.refresh);
      if (held && !held.spent) {
        held.spent = true;
        return this.#grant(held.family);
      }
      if (held) this.#reuse(held.family);
      return answer({ error: 'invalid_grant' }, 400);
    }
    if (typeof body.code === 'string') {
      const before = this.#redeemed.get(body.code);
      if (before !== undefined) this.#reuse(before);
      if (before !== undefined || !body.code.startsWith('good')) return answer({ error: 'invalid_grant' }, 400);
      this.#redeemed.set(body.code, this.#serial);
      return this.#grant(this.#serial);
    }
    return body.password === this.password ? this.#grant(this.#serial) : answer({ error: 'invalid_grant' }, 401);
  }

  /** Whether a consumer's call with the token succeeds. */
  accepts(accessToken: string): boolean {
    const issued = this.#tokens.get(accessToken);
    return issued !== undefined && issued.until > this.#now();
  }
  /** Refuses all of its refresh tokens from now on. */
  endSessions(): void {
    this.#sessions.clear();
  }

  count(what: 'password' | 'refresh' | 'code'): number {
    return this.grants.filter(each => each === what).length;
  }

  #reuse(family: number): void {
    this.reused += 1;
    this.#sessions = new Map([...this.#sessions].filter(([, held]) => held.family !== family));
    this.#tokens = new Map([...this.#tokens].filter(([, issued]) => issued.family !== family));
  }
  #grant(family: number): HttpReply {
    this.#serial += 1;
    const [access_token, refresh_token] = [`access-${this.#serial}`, `refresh-${this.#serial}`];
    this.#tokens.set(access_token, { family, until: plus(this.#now(), this.life) });
    this.#sessions.set(refresh_token, { family, spent: false });
    return answer({ access_token, refresh_token, expires_in: this.life / seconds(1) });
  }
}

export const ID = idOf('acme');
export const SHARED = 'test-provider/shared';
export const [OSLO, BERGEN] = [idOf('shared/oslo'), idOf('shared/bergen')];

/** A secret that holds many connections. */
export const packed = (keys: readonly string[], fields: object = { password: 'right' }) => ({
  ...fields,
  connections: Object.fromEntries(keys.map(key => [key, {}])),
});

/** A world whose only copy of access is the refresh token that came for a code. */
export const codeWorld = (options: Parameters<typeof vendorWorld>[0] = {}) =>
  vendorWorld({ secret: { code: 'good-1' }, provider: testProvider({ locksAccounts: true }), ...options });

/** One connection at the vendor, discovered and, by default, refreshed once and due again. */
export const vendorWorld = async (
  options: { provider?: Provider; secret?: unknown; refreshed?: boolean; seed?: number; policy?: Partial<Policy> } = {},
) => {
  const { provider = testProvider(), secret = { password: 'right' }, refreshed = true } = options;
  let vendor: Vendor | undefined;
  const world = new World([provider], request => (vendor as Vendor).handle(request), options);
  vendor = new Vendor(world.clock.now);
  await world.add(ID, secret);
  if (refreshed) {
    await world.refresh(ID);
    world.clock.pass(SURELY_DUE);
    world.log.length = 0;
    world.calls.length = 0;
    world.deadlines.length = 0;
    vendor.grants.length = 0;
  }
  return { world, vendor };
};

export type VendorWorld = Awaited<ReturnType<typeof vendorWorld>>;

export const refusedGrant = (): HttpReply => answer({ error: 'invalid_grant' }, 400);
