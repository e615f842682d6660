import { createHmac } from 'node:crypto';
import { type EpochMs, epochMs, type Milliseconds, plus } from '../../lib/core/types.ts';
import { type SimulatedAccount, simulatedIdOf } from './accounts.ts';

/**
 * A request to a provider: the path (with its query) is relative to the provider's base URL; header names are in lower
 * case.
 */
export interface SimulatedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
export interface SimulatedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Everything that a simulator depends on: the same seed and clock always give the same run. */
export interface SimulatorWorld {
  readonly now: () => EpochMs;
  /** Divides lifetimes and rate-limit periods: at 60, an hour's token is valid for a minute. */
  readonly scale: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** The address of the simulators, used in answers. */
  readonly url: string;
}

/** One provider's part: its token endpoint, and the headers that its API requires. */
export interface Simulation {
  /** Whether a refresh token works once: its second use ends all tokens of its login. */
  readonly rotates: boolean;
  /** By method and path, for example `POST /oauth/token`. */
  readonly routes: Readonly<Record<string, (server: FakeAuthServer, request: SimulatedRequest) => SimulatedResponse>>;
  /** Called first: the answer of a gateway in front, or undefined. */
  gate?(server: FakeAuthServer, request: SimulatedRequest): SimulatedResponse | undefined;
  /** The valid token of an API call, or undefined. */
  admit(server: FakeAuthServer, request: SimulatedRequest): Issued | undefined;
}

/** An access token that has not expired. */
export interface Issued {
  readonly account: string;
  readonly family: string;
  readonly expiresAt: EpochMs;
  /** The only path below which it is valid, if there is one. */
  readonly below?: string;
}
/** A refresh token; spent ones are kept to detect reuse. */
export interface Held {
  readonly account: string;
  readonly family: string;
  readonly endsAt: EpochMs;
  readonly spent: boolean;
}
/** An authorization code. */
export interface Code {
  readonly account: string;
  readonly family: string;
  readonly scope: string;
  readonly expiresAt: EpochMs;
  readonly spent: boolean;
}

/** The whole state of a simulator, as JSON. */
export interface SimulatorState {
  readonly serial: number;
  readonly tokens: readonly (readonly [string, Issued])[];
  readonly refreshTokens: readonly (readonly [string, Held])[];
  readonly codes: readonly (readonly [string, Code])[];
  readonly calls: readonly (readonly [string, readonly number[]])[];
}

/** The state of a simulated provider: issues tokens, stores them, and detects reuse. */
export class FakeAuthServer {
  readonly #world: SimulatorWorld;
  readonly #provider: string;
  readonly accounts: readonly SimulatedAccount[];
  #serial = 0;
  #tokens = new Map<string, Issued>();
  #refreshTokens = new Map<string, Held>();
  #codes = new Map<string, Code>();
  #calls = new Map<string, readonly number[]>();

  constructor(provider: string, world: SimulatorWorld, accounts: readonly SimulatedAccount[]) {
    this.#provider = provider;
    this.#world = world;
    this.accounts = accounts.filter(account => account.provider === provider);
  }

  get now(): EpochMs {
    return this.#world.now();
  }
  /** The provider's base URL. */
  get url(): string {
    return `${this.#world.url}/${this.#provider}`;
  }
  /** A documented duration, scaled. */
  scaled(duration: Milliseconds): Milliseconds {
    return duration / this.#world.scale;
  }
  /** Grows with every token. */
  get serial(): number {
    return this.#serial;
  }

  /** The account whose fields are exactly these. */
  find(fields: Readonly<Record<string, string | undefined>>): SimulatedAccount | undefined {
    const wanted = Object.entries(fields);
    search: for (const account of this.accounts) {
      for (const [name, value] of wanted) if (account.fields[name] !== value) continue search;
      return account;
    }
    return undefined;
  }

  /** An unguessable name; the serial makes it unique even if `random` is constant. */
  opaque(): string {
    this.#serial += 1;
    const word = () =>
      Math.floor(this.#world.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return `${this.#serial.toString(36)}_${word()}${word()}${word()}${word()}`;
  }

  /** A well-formed JWT (RFC 7519). Nobody verifies it, so its key need not be stored. */
  jwt(claims: Readonly<Record<string, unknown>>): string {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const jti = this.opaque();
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ jti, ...claims })}`;
    return `${signed}.${createHmac('sha256', jti).update(signed).digest('base64url')}`;
  }

  issue(accessToken: string, issued: Issued): void {
    // The oldest come first: no need to check all of them.
    for (const [old, { expiresAt }] of this.#tokens) {
      if (expiresAt > this.now) break;
      this.#tokens.delete(old);
    }
    this.#tokens.set(accessToken, issued);
  }
  /** A token that has not expired. */
  valid(accessToken: string | undefined): Issued | undefined {
    const issued = accessToken === undefined ? undefined : this.#tokens.get(accessToken);
    return issued && issued.expiresAt > this.now ? issued : undefined;
  }

  hold(refreshToken: string, held: Omit<Held, 'spent'>): void {
    this.#refreshTokens = new Map([...this.#refreshTokens].filter(([, { endsAt }]) => endsAt > this.now));
    this.#refreshTokens.set(refreshToken, { ...held, spent: false });
  }
  /** A usable refresh token. A spent one ends its whole family (RFC 9700 §4.14.2). */
  held(refreshToken: string | undefined, account?: SimulatedAccount): Held | undefined {
    const held = refreshToken === undefined ? undefined : this.#refreshTokens.get(refreshToken);
    if (!held || held.endsAt <= this.now || (account && held.account !== simulatedIdOf(account))) return undefined;
    if (!held.spent) return held;
    this.kill(held.family);
    return undefined;
  }
  /** Marks a usable refresh token as spent. */
  spend(refreshToken: string | undefined, account?: SimulatedAccount): Held | undefined {
    const held = this.held(refreshToken, account);
    if (held && refreshToken !== undefined) this.#refreshTokens.set(refreshToken, { ...held, spent: true });
    return held;
  }

  offer(code: string, offered: Omit<Code, 'spent'>): void {
    this.#codes = new Map([...this.#codes].filter(([, { expiresAt }]) => expiresAt > this.now));
    this.#codes.set(code, { ...offered, spent: false });
  }
  /** The code, even if it is spent. */
  offered(code: string | undefined): Code | undefined {
    return code === undefined ? undefined : this.#codes.get(code);
  }
  /** The code, once; a second use ends all tokens of the first (RFC 6749 §4.1.2). */
  redeem(code: string | undefined): Code | undefined {
    const offered = code === undefined ? undefined : this.#codes.get(code);
    if (!offered || code === undefined || offered.expiresAt <= this.now) return undefined;
    if (offered.spent) {
      this.kill(offered.family);
      return undefined;
    }
    this.#codes.set(code, { ...offered, spent: true });
    return offered;
  }

  familyOf(token: string | undefined): string | undefined {
    return token === undefined ? undefined : (this.#tokens.get(token) ?? this.#refreshTokens.get(token))?.family;
  }
  /** When the last token of a login expires; undefined if none is valid. */
  validUntil(family: string): EpochMs | undefined {
    const ends = [...this.#tokens.values()].flatMap(each => (each.family === family ? [each.expiresAt] : []));
    const last = Math.max(...ends);
    return last > this.now ? epochMs(last) : undefined;
  }
  /** Ends every token of a login. */
  kill(family: string): void {
    const others = ([, { family: its }]: readonly [string, { readonly family: string }]) => its !== family;
    this.#tokens = new Map([...this.#tokens].filter(others));
    this.#refreshTokens = new Map([...this.#refreshTokens].filter(others));
  }

  /** Counts a call, including refused ones; true if there were more than `calls` in a period. */
  isOver(key: string, calls: number, per: Milliseconds): boolean {
    const since = plus(this.now, -this.scaled(per));
    const recent = [...(this.#calls.get(key) ?? []).filter(at => at > since), this.now];
    // Keep only as many as the comparison needs.
    this.#calls.set(key, recent.slice(-calls - 1));
    return recent.length > calls;
  }

  get state(): SimulatorState {
    return {
      serial: this.#serial,
      tokens: [...this.#tokens],
      refreshTokens: [...this.#refreshTokens],
      codes: [...this.#codes],
      calls: [...this.#calls],
    };
  }
  restore(state: SimulatorState): void {
    this.#serial = state.serial;
    this.#tokens = new Map(state.tokens);
    this.#refreshTokens = new Map(state.refreshTokens);
    this.#codes = new Map(state.codes);
    this.#calls = new Map(state.calls);
  }
}
