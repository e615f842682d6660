import { jsonObject } from '../../lib/core/json.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import {
  type EpochMs,
  type Milliseconds,
  minutes,
  plus,
  providerOf,
  seconds,
  type Token,
} from '../../lib/core/types.ts';
import { rotatingProviders } from '../../local/simulators/index.ts';

/** Every token, refresh token, code and credential of a run contains this, and nothing else does. */
const MARKER = /eyJ[\w-]+\.eyJ|[0-9a-z]_[0-9a-f]{32}|made-up-|-feed-4000-8000-/;

/**
 * A request may arrive this late, and an answer may be lost this long after it was sent: by a frozen worker, or by the
 * store.
 */
const LATEST = minutes(4);

interface LedgerParts {
  readonly url: string;
  readonly now: () => EpochMs;
  readonly troubled: (from: EpochMs, to: EpochMs) => boolean;
  /** When the token expires, according to the record of the connection that stores a refresh token. */
  readonly knownLife: (refreshToken: string) => EpochMs | undefined;
  /** Whether something that happened at that time was forgotten, since a table was restored. */
  readonly forgot: (at: EpochMs) => boolean;
  /** Whether nothing shows any more that a refresh token is spent. */
  readonly mayBeSentAgain: (refreshToken: string, redeemedAt: EpochMs, irreplaceable: boolean) => boolean;
}

/** What happened at the providers, recorded separately from everything under test. */
export class ProviderLedger {
  readonly #url: string;
  readonly #now: () => EpochMs;
  readonly #parts: LedgerParts;
  readonly violations: string[] = [];
  /** Calls of each provider's token endpoint. */
  readonly calls: { readonly provider: string; readonly at: EpochMs }[] = [];
  readonly #issued = new Map<string, { readonly provider: string; readonly baseUrl?: string }>();
  /** When each refresh token was redeemed. */
  readonly #redeemed = new Map<string, EpochMs>();
  /** Handed-in codes, and the refresh tokens that they brought: each is the only copy of access. */
  readonly #onlyCopies = new Set<string>();
  /** When each refresh token ends, if its provider has stated it. */
  readonly #ends = new Map<string, EpochMs>();
  /** The expiry of the access token that came with each refresh token. */
  readonly #lives = new Map<string, EpochMs>();
  /** When each wrong login was last tried. */
  readonly #wrongLogins = new Map<string, EpochMs>();
  /** Whether a provider got one of these twice: then it ended everything from that login. */
  reused = false;
  /** The origin that issued each refresh token. */
  readonly #issuers = new Map<string, string>();
  /** Grants that succeeded, by provider and kind. */
  readonly grants: Record<string, number> = {};

  constructor(parts: LedgerParts) {
    this.#url = parts.url;
    this.#now = parts.now;
    this.#parts = parts;
  }

  /** A person logged in and provides a code. */
  handedIn(code: string): void {
    this.#onlyCopies.add(code);
    this.#plant(code);
  }

  violated(what: string): void {
    if (this.violations.length < 20) this.violations.push(`${new Date(this.#now()).toISOString()} ${what}`);
  }

  /** Whether a request goes to one of the simulated providers, not to another host. */
  isHonest({ url }: HttpRequest): boolean {
    return url.startsWith(`${this.#url}/`);
  }

  #providerOf(request: HttpRequest): string {
    return request.url.slice(this.#url.length + 1).split('/', 1)[0] ?? '';
  }

  called(request: HttpRequest): void {
    const { origin } = new URL(request.url);
    const sent = refreshTokenIn(request) ?? request.headers['x-token'];
    const issuer = sent === undefined ? undefined : this.#issuers.get(sent);
    if (issuer !== undefined && issuer !== origin)
      this.violated('a refresh token went to a host that did not issue it');
    if (!this.isHonest(request)) return;
    if (!request.url.includes('/revoke')) this.calls.push({ provider: this.#providerOf(request), at: this.#now() });
  }

  handled(request: HttpRequest, reply: Extract<HttpReply, { kind: 'answer' }>): void {
    const provider = this.#providerOf(request);
    const json = reply.status === 200 ? jsonObject(reply.body) : undefined;
    const refreshToken = refreshTokenIn(request);
    this.#judgeLogin(provider, request, reply);
    if (refreshToken !== undefined && (this.#ends.get(refreshToken) ?? this.#now()) < plus(this.#now(), -LATEST))
      this.violated(`a refresh token of ${provider} was sent after its end`);
    this.#judgeGain(provider, refreshToken, json);
    if (typeof json?.refresh_token === 'string' && typeof json.refresh_expires_in === 'number')
      this.#ends.set(json.refresh_token, plus(this.#now(), seconds(json.refresh_expires_in)));
    const spent = refreshToken ?? request.headers['x-auth-code'];
    if (spent !== undefined && rotatingProviders.has(provider)) this.#spent(provider, spent, json);
    if (typeof json?.access_token === 'string') {
      const grant = `${provider} ${refreshToken === undefined ? 'login' : 'refresh'}`;
      this.grants[grant] = (this.grants[grant] ?? 0) + 1;
    }
    for (const field of ['access_token', 'refresh_token', 'code']) {
      const value = json?.[field];
      if (typeof value === 'string' && value !== '') this.#plant(value);
    }
    if (typeof json?.refresh_token === 'string') this.#issuers.set(json.refresh_token, new URL(request.url).origin);
    const { access_token: accessToken, svc } = json ?? {};
    if (typeof accessToken === 'string') {
      this.#issued.set(accessToken, { provider, ...(typeof svc === 'string' && { baseUrl: svc }) });
    }
  }

  /** A refresh must lengthen the token's life. If the end of its session is too near for that, a login is due. */
  #judgeGain(provider: string, refreshToken: string | undefined, json?: Readonly<Record<string, unknown>>): void {
    if (typeof json?.refresh_token !== 'string' || typeof json.refresh_expires_in !== 'number') return;
    const end = plus(this.#now(), seconds(Number(json.expires_in)));
    const before = refreshToken === undefined ? undefined : this.#lives.get(refreshToken);
    if (refreshToken !== undefined && before !== undefined && end < plus(before, minutes(1))) {
      // If the last settlement was lost, the record has old times.
      const known = this.#parts.knownLife(refreshToken);
      if (known !== undefined && known >= plus(before, -minutes(1)))
        this.violated(`a refresh of ${provider} that could bring nothing`);
    }
    this.#lives.set(json.refresh_token, end);
  }

  /** A wrong login arrived. It may only be repeated if its answer may be lost, or could not be noted: accounts lock. */
  #judgeLogin(provider: string, request: HttpRequest, { status, body }: Extract<HttpReply, { kind: 'answer' }>): void {
    const login = loginIn(request);
    if (login === undefined || status < 400 || jsonObject(body)?.error !== 'invalid_grant') return;
    const key = `${provider} ${login}`;
    const before = this.#wrongLogins.get(key);
    this.#wrongLogins.set(key, this.#now());
    if (before === undefined || this.#parts.forgot(before)) return;
    if (!this.#parts.troubled(plus(before, -LATEST), plus(before, LATEST)))
      this.violated(`a wrong login of ${provider} was tried twice`);
  }

  /** A refresh token or a code arrived. It may only be repeated if it is the only copy, and its answer may be lost. */
  #spent(provider: string, spent: string, json: Readonly<Record<string, unknown>> | undefined): void {
    const before = this.#redeemed.get(spent);
    const irreplaceable = this.#onlyCopies.has(spent);
    const lost =
      irreplaceable && before !== undefined && this.#parts.troubled(plus(before, -LATEST), plus(before, LATEST));
    if (before !== undefined && !lost && !this.#parts.mayBeSentAgain(spent, before, irreplaceable))
      this.violated(`a refresh token of ${provider} was redeemed twice`);
    if (before !== undefined) this.reused = true;
    if (json && before === undefined) this.#redeemed.set(spent, this.#now());
    if (irreplaceable && typeof json?.refresh_token === 'string') this.#onlyCopies.add(json.refresh_token);
  }

  /** Token, headers and base URL of a published token come from one grant of its own provider. */
  published(token: Token, before: Token | undefined): void {
    const provider = providerOf(token.connection);
    const issued = this.#issued.get(token.accessToken);
    if (issued?.provider !== provider) this.violated(`${token.connection}: a token that ${provider} never issued`);
    if (issued?.baseUrl !== undefined && issued.baseUrl !== token.baseUrl) {
      this.violated(`${token.connection}: a token with another token’s base URL`);
    }
    if (!Object.values(token.headers).some(value => value.endsWith(token.accessToken))) {
      this.violated(`${token.connection}: a token with another token’s headers`);
    }
    if (before && before.version >= token.version)
      this.violated(`${token.connection}: an older token over a newer one`);
  }

  callsOf(provider: string, from: EpochMs, to: EpochMs): number {
    return this.calls.filter(call => call.provider === provider && call.at >= from && call.at < to).length;
  }

  /** The most calls to a provider within one period of its rate limit. */
  mostCallsWithin(provider: string, per: Milliseconds): number {
    const times = this.calls.filter(call => call.provider === provider).map(({ at }) => at);
    let from = 0;
    let most = 0;
    times.forEach((at, to) => {
      while (at - (times[from] ?? at) >= per) from += 1;
      most = Math.max(most, to - from + 1);
    });
    return most;
  }

  /** A new secret value: it must contain a marker to be recognised anywhere. */
  #plant(secret: string): void {
    if (!MARKER.test(secret)) throw new Error('a secret without a marker would not be noticed');
  }

  /** An output: a log line, a metric, an event, a stored error, a problem document. */
  logged(line: string): void {
    if (MARKER.test(line)) this.violated('a secret was logged');
  }
}

const refreshTokenIn = ({ headers, body = '' }: HttpRequest): string | undefined => {
  const inHeader = headers['x-refresh-token'];
  if (inHeader !== undefined) return inHeader;
  const json = jsonObject(body)?.refresh_token;
  if (typeof json === 'string') return json;
  return new URLSearchParams(body).get('refresh_token') ?? undefined;
};

/** User and password of a login that a provider locks after a few wrong tries. */
const loginIn = ({ headers, body = '' }: HttpRequest): string | undefined => {
  if (headers['x-auth-username']) return `${headers['x-auth-username']} ${headers['x-auth-password']}`;
  const json = jsonObject(body);
  if (typeof json?.login === 'string') return `${json.login} ${json.password}`;
  const form = new URLSearchParams(body);
  return form.get('grant_type') === 'password' ? `${form.get('username')} ${form.get('password')}` : undefined;
};
