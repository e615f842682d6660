import { type ErrorCode, framesOf, isErrorCode, standardCodes } from './errors.ts';
import { jsonObject } from './json.ts';
import { claimsOf } from './jwt.ts';
import { lifetimeOf } from './lifetime.ts';
import { areHeaders, bytesOf, headerBytes, LARGEST, LONGEST_RETRY_AFTER, plausible } from './limits.ts';
import type { Account, Grant, HttpReply, HttpRequest, Provider, TokenAnswer, Usage, Warning } from './provider.ts';
import { type EpochMs, epochMs, type Milliseconds, seconds } from './types.ts';

/** The context of an answer: the provider, the grant, and our clock before the request. */
export interface Exchange {
  readonly provider: Provider;
  readonly account: Account;
  readonly grant: Grant;
  readonly sentAt: EpochMs;
  /** The signed assertion of this run, if the account needs one. */
  readonly assertion?: string | undefined;
}

export interface Granted {
  readonly kind: 'granted';
  readonly accessToken: string;
  readonly tokenType: string;
  readonly issuedAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: string;
  readonly refreshToken?: string;
  readonly sessionEndsAt?: EpochMs;
  readonly warnings: readonly Warning[];
}

export type Failed =
  /** Certainly not processed: the refresh token or code is unspent. */
  | {
      readonly kind: 'retry';
      readonly code: ErrorCode;
      readonly status?: number;
      readonly retryAfter?: Milliseconds;
    }
  /**
   * Refused without a verdict on the credentials, which are unspent: perhaps by a proxy or a firewall in front of the
   * token endpoint. If it persists, a person has to look at it.
   */
  | {
      readonly kind: 'rejected';
      readonly code: ErrorCode;
      readonly status?: number;
      readonly retryAfter?: Milliseconds;
    }
  /** May have been processed: a rotating refresh token may be spent. */
  | {
      readonly kind: 'unknown';
      readonly code: ErrorCode;
      readonly status?: number;
      /** Class and frames of the exception that an `internal_error` comes from. */
      readonly bug?: readonly string[];
    }
  /** Permanent: the same request will never succeed. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly status?: number };

export type Outcome = Granted | Failed;

/**
 * Reads the answer of a token endpoint (RFC 6749 §5). Every answer ends in a value that can be stored; nothing throws.
 */
export const interpret = (exchange: Exchange, reply: HttpReply): Outcome =>
  guarded(reply, () => tokenIn(exchange, reply));

/** Reads the first answer of a grant in two steps: returns the second request, or the failure. */
export const interpretFirstStep = (
  exchange: Exchange,
  reply: HttpReply,
): { readonly kind: 'next'; readonly request: HttpRequest } | Failed =>
  guarded(reply, (): { readonly kind: 'next'; readonly request: HttpRequest } | Failed => {
    const json = success(exchange, reply);
    if ('kind' in json) return json;
    const request = exchange.account.exchange?.(json.body, exchange.assertion);
    if (request) return { kind: 'next', request };
    return (
      dialectIn(exchange, json.body, json.status, json.headers) ?? {
        kind: 'unknown',
        code: 'malformed_answer',
        status: json.status,
      }
    );
  });

/** A definition that throws has a bug. It fails only its own connections, with the usual backoff. */
const guarded = <T>(reply: HttpReply, read: () => T): T | Failed => {
  try {
    return read();
  } catch (error) {
    const status = reply.kind === 'answer' ? { status: statusOf(reply.status) } : {};
    return { kind: 'unknown', code: 'internal_error', ...status, bug: framesOf(error) };
  }
};

const tokenIn = (exchange: Exchange, reply: HttpReply): Outcome => {
  const json = success(exchange, reply);
  if ('kind' in json) return json;
  const { provider, account, sentAt } = exchange;
  const { status } = json;
  const body = provider.standard?.(json.body, sentAt) ?? json.body;

  const { access_token: accessToken, refresh_token: refreshToken } = body;
  if (accessToken === '') return { kind: 'unknown', code: 'empty_access_token', status };
  if (typeof accessToken !== 'string') {
    return (
      dialectIn(exchange, json.body, status, json.headers) ?? { kind: 'unknown', code: 'malformed_answer', status }
    );
  }
  const imported = exchange.grant === 'login' && account.importsSession ? (account.oneTimeCode ?? '') : '';
  const held = typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : imported;
  const unusable = faultOf(accessToken, LARGEST.accessToken) ?? faultOf(held, LARGEST.refreshToken);
  if (unusable) return { kind: 'unknown', code: unusable, status };
  const tokenType = tokenTypeIn(body.token_type);
  const answer: TokenAnswer = { accessToken, tokenType, json: body, claims: claimsOf(accessToken) };

  const lifetime = lifetimeOf(provider, answer, sentAt);
  if (lifetime === 'invalid_lifetime') return { kind: 'unknown', code: lifetime, status };
  const usage = account.usage(answer);
  if (usage === 'malformed_answer') return { kind: 'unknown', code: usage, status };
  if (typeof usage === 'string') return { kind: 'refused', code: usage, status };
  if (tooLarge(usage)) return { kind: 'unknown', code: 'answer_too_large', status };

  const sessionEndsAt = plausible(provider.sessionEnds?.(answer, sentAt), sentAt);
  return {
    kind: 'granted',
    accessToken,
    tokenType,
    issuedAt: sentAt,
    expiresAt: lifetime.expiresAt,
    headers: usage.headers,
    baseUrl: usage.baseUrl,
    ...(held !== '' && { refreshToken: held }),
    ...(sessionEndsAt !== undefined && { sessionEndsAt }),
    warnings: [...lifetime.warnings, ...(usage.warnings ?? [])],
  };
};

/** Why a token cannot be stored, if it cannot. An incomplete UTF-16 character would change in storage. */
const faultOf = (token: string, largest: number): 'answer_too_large' | 'malformed_answer' | undefined => {
  if (bytesOf(token) > largest) return 'answer_too_large';
  return token.isWellFormed() ? undefined : 'malformed_answer';
};

/** Throws if a definition gives consumers something other than headers and an address. */
const tooLarge = ({ headers, baseUrl }: Usage): boolean => {
  if (!areHeaders(headers)) throw new TypeError('A definition gives consumers a header that cannot be sent.');
  if (!URL.canParse(baseUrl) || !baseUrl.isWellFormed())
    throw new TypeError('A definition gives consumers a base URL that is not a URL.');
  return headerBytes(headers) > LARGEST.headers || bytesOf(baseUrl) > LARGEST.baseUrl;
};

type Json = Readonly<Record<string, unknown>>;

interface Success {
  readonly body: Json;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

const success = (exchange: Exchange, reply: HttpReply): Success | Failed => {
  if (reply.kind === 'failed') return failedReply(reply);
  const status = statusOf(reply.status);
  if (status >= 300 && status < 400) return { kind: 'retry', code: 'redirected', status };
  const body = jsonObject(reply.body);
  const ok = status >= 200 && status < 300;
  if (ok && body && (body.error ?? undefined) === undefined) return { body, status, headers: reply.headers };

  const fault = dialectIn(exchange, body ?? {}, status, reply.headers);
  if (fault) return fault;
  if (status === 429)
    return { kind: 'retry', code: 'rate_limited', status, ...retryAfterIn(reply.headers, exchange.sentAt) };
  const named = status < 500 ? standardError(body?.error) : undefined;
  if (named === 'temporarily_unavailable' || named === 'server_error') {
    return { kind: 'retry', code: named, status, ...retryAfterIn(reply.headers, exchange.sentAt) };
  }
  // `invalid_request` gives no verdict on the credentials: gateways send it too.
  if (named === 'invalid_request') return { kind: 'rejected', code: named, status };
  if (named) return { kind: 'refused', code: named, status };
  if (ok) return { kind: 'unknown', code: 'malformed_answer', status };
  return byStatus(exchange, status, reply.headers);
};

/** Reads an answer in the provider's own dialect. */
const dialectIn = (
  { provider, account, grant, sentAt }: Exchange,
  json: Json,
  status: number,
  headers: Readonly<Record<string, string>>,
): Failed | undefined => {
  // The refresh request sends an imported refresh token, also in place of a login.
  const fault = provider.fault?.({ status, json }, account.importsSession ? 'refresh' : grant);
  if (!fault || fault.kind === 'refused') return fault && { ...fault, status };
  return { ...fault, status, ...retryAfterIn(headers, sentAt) };
};

const failedReply = ({ code, sent }: Extract<HttpReply, { kind: 'failed' }>): Failed => {
  // The address comes from the secret or the answer: a retry would use the same one.
  if (code === 'address_refused') return { kind: 'refused', code };
  return { kind: sent ? 'unknown' : 'retry', code };
};

/** A number that cannot be a status counts as 0. */
const statusOf = (status: number): number => (Number.isInteger(status) && status >= 100 && status <= 999 ? status : 0);

/** What an answer without a standard error code means. */
const byStatus = (exchange: Exchange, status: number, headers: Readonly<Record<string, string>>): Failed => {
  const later = retryAfterIn(headers, exchange.sentAt);
  if (status === 503) return { kind: 'retry', code: 'provider_error', status, ...later };
  if (status >= 500 || status < 200) return { kind: 'unknown', code: 'provider_error', status };
  if (status === 408 || status === 425) return { kind: 'retry', code: 'request_rejected', status, ...later };
  const code = status === 401 || status === 403 ? 'access_refused' : 'request_rejected';
  return { kind: 'rejected', code, status, ...later };
};

const standard: ReadonlySet<unknown> = new Set(standardCodes);
const standardError = (error: unknown): ErrorCode | undefined =>
  isErrorCode(error) && standard.has(error) ? error : undefined;

/** `Bearer` in any spelling becomes `Bearer`, for consumers to put in front of the token. Malformed values do too. */
const tokenTypeIn = (value: unknown): string =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z0-9-]{0,30}$/.test(value) && value.toLowerCase() !== 'bearer'
    ? value
    : 'Bearer';

/** RFC 9110 §10.2.3: seconds, or a date. At most a day. */
export const retryAfterIn = (
  headers: Readonly<Record<string, string>>,
  sentAt: EpochMs,
): { readonly retryAfter?: Milliseconds } => {
  const text = headers['retry-after']?.trim();
  if (!text) return {};
  const after = /^\d+$/.test(text) ? seconds(Number(text)) : epochMs(Date.parse(text)) - sentAt;
  return Number.isNaN(after) || after <= 0 ? {} : { retryAfter: Math.min(after, LONGEST_RETRY_AFTER) };
};
