import type { ErrorCode } from './errors.ts';
import type { AddressRules } from './hosts.ts';
import type { EpochMs, Milliseconds } from './types.ts';

/** A request to a provider, ready to be sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The outcome of a request. `sent: false` only if certainly no byte of it reached the provider. */
export type HttpReply =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | {
      readonly kind: 'failed';
      readonly code: 'timeout' | 'network' | 'answer_too_large' | 'address_refused';
      readonly sent: boolean;
    };

/** A `login` obtains a token from the credentials alone; `refresh` uses a refresh token. */
export type Grant = 'login' | 'refresh';

/** How many calls the token endpoint allows within `per` milliseconds. */
export interface RateLimit {
  readonly calls: number;
  readonly per: Milliseconds;
}

/** A token answer in the terms of RFC 6749 §5.1, parsed but not checked. */
export interface TokenAnswer {
  readonly accessToken: string;
  readonly tokenType: string;
  /** The whole JSON answer and, if the access token is a JWT, its (unverified) claims. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What consumers need besides the token, and warnings for operators. */
export interface Usage {
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: string;
  readonly warnings?: readonly Warning[];
}
export type Warning =
  | 'scope_narrowed'
  | 'lifetime_capped'
  | 'lifetime_assumed'
  | 'lifetime_unit_guessed'
  | 'lifetime_implausible'
  | 'lifetime_short';

/** What an answer that is not a token means, if the provider's dialect differs from the standard. */
export type Fault =
  /** The credentials or the refresh token will never work: do not repeat the request. */
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  /** Certainly not processed; retry later. */
  | { readonly kind: 'retry'; readonly code: ErrorCode }
  /** Certainly not processed; if it persists for minutes, a person has to look at it. */
  | { readonly kind: 'rejected'; readonly code: ErrorCode };

/** A JWT that proves who the client is (RFC 7523), signed for each run. */
export interface Assertion {
  /** RFC 7518 §3.1: `RS256`. */
  readonly algorithm: string;
  /** PEM. */
  readonly key: string;
  readonly header: Readonly<Record<string, unknown>>;
  /** Without `iat`, `exp` and `jti`. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly lifetime: Milliseconds;
}

/** A login that the provider locks after a few wrong tries. */
export interface Login {
  /** Fingerprint of the user and the host; begins with the provider's id. All connections with the login share it. */
  readonly key: string;
  /** User, host and password. A secret: only a keyed fingerprint of it is stored. */
  readonly text: string;
}

/** One connection's credentials, validated and ready to build requests. */
export interface Account {
  /** Connections with the same key share a rate limit. Begins with the provider's id; holds no credential. */
  readonly limitKey: string;
  /** Fingerprint of the address that receives a refresh token and of the client that it was issued to. */
  readonly sessionBinding?: string;
  /** The base URL of the token endpoint. */
  readonly base: string;
  /** The login, if wrong tries may lock it. */
  readonly login?: Login;
  /** The assertion to sign, if requests need one. */
  readonly assertion?: Assertion;
  /** The login, or the first of its two requests. */
  logIn(assertion?: string): HttpRequest;
  /** The second request of a login in two steps, from the first one's JSON; undefined if that holds no code. */
  exchange?(first: Readonly<Record<string, unknown>>, assertion?: string): HttpRequest | undefined;
  /** The refresh grant. */
  refresh?(refreshToken: string, assertion?: string): HttpRequest;
  /** The code that a person handed in once, if the credentials hold nothing else to log in with. */
  readonly oneTimeCode?: string;
  /** That code is a refresh token: it stays one if the answer has no other (RFC 6749 §6). */
  readonly importsSession?: true;
  /** Headers and base URL for a token, or why this token must not be used. */
  usage(answer: TokenAnswer): Usage | ErrorCode;
}

export type Opened =
  | { readonly ok: true; readonly account: Account }
  /** One sentence per field: its name and what to do; never a value. */
  | { readonly ok: false; readonly problems: readonly { readonly field: string; readonly message: string }[] };

/** A vendor's token endpoint: data, and the functions that build a request and read an answer. */
export interface Provider {
  readonly id: string;
  readonly title: string;
  /** The documented lifetime of an access token: the base of ticks, and the fallback if an answer has none. */
  readonly lifetime: Milliseconds;
  /** How long a code that a person hands in can be redeemed, if the provider has such codes. */
  readonly codeLifetime?: Milliseconds;
  /** The unit of `expires_in`; if it is never stated, a token is valid for `lifetime`. */
  readonly expiresIn: 'seconds' | 'milliseconds' | 'never stated';
  readonly rateLimit?: RateLimit;
  /**
   * The timeout of one call, if the provider needs more than the policy's 8 seconds: for example `seconds(12)`. At
   * least a second, and at most what the lease allows. A slower call fails with `timeout`.
   */
  readonly callDeadline?: Milliseconds;
  /** The calls of the longest run: a refresh grant, if there is one, and a login in one step or two. */
  readonly callsPerRun: number;
  /** The share of its lifetime after which a token is renewed, if it differs from the policy's. */
  readonly refreshAt?: number;
  /** The provider renews a token only this close to its end. */
  readonly renewWithin?: Milliseconds;
  /** A login takes two calls. */
  readonly twoSteps?: true;
  /** How many connections one worker refreshes at a time. */
  readonly concurrency: number;
  /** Wrong logins may lock an account. */
  readonly locksAccounts: boolean;
  /** Fields of a secret, for documents and messages. */
  readonly fields: { readonly required: readonly string[]; readonly optional: readonly string[] };
  /** The hosts of its token endpoint and its API, as far as they are known. */
  readonly hosts: readonly string[];
  open(secret: unknown, rules?: AddressRules): Opened;
  fault?(
    answer: { readonly status: number; readonly json: Readonly<Record<string, unknown>> },
    grant: Grant,
  ): Fault | undefined;
  /** The answer translated into the terms of RFC 6749 §5.1, if the provider uses others. */
  standard?(json: Readonly<Record<string, unknown>>, sentAt: EpochMs): Readonly<Record<string, unknown>>;
  /** When the refresh token of an answer ends, if the provider states it. */
  sessionEnds?(answer: TokenAnswer, sentAt: EpochMs): EpochMs | undefined;
  /** Revokes a token or refresh token at the provider. Needs no credentials: the secret is gone by then. */
  revoke?(base: string, token: string): HttpRequest;
}
