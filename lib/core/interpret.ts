import { type ErrorCode, isErrorCode, standardCodes } from './errors.ts';
import { claimsOf, jsonObject } from './jwt.ts';
import { lifetimeOf } from './lifetime.ts';
import { fits, isPlausible, LARGEST, LONGEST_RETRY_AFTER } from './limits.ts';
import type { Account, Grant, HttpReply, HttpRequest, Provider, TokenAnswer, Usage, Warning } from './provider.ts';
import { type EpochMs, epochMs, type Milliseconds, seconds } from './types.ts';

/** The context in which an answer is read: whom we asked, for what, and the clock before we did. */
export interface Exchange {
  readonly provider: Provider;
  readonly account: Account;
  readonly grant: Grant;
  readonly sentAt: EpochMs;
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
  /** Certainly not processed: whatever was sent is unspent. With `patience`, a person has to look after so many in a row. */
  | {
      readonly kind: 'retry';
      readonly code: ErrorCode;
      readonly status?: number;
      readonly retryAfter?: Milliseconds;
      readonly patience?: number;
    }
  /** May have been processed: a rotating refresh token may be spent. */
  | { readonly kind: 'unknown'; readonly code: ErrorCode; readonly status?: number }
  /** Will never do. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly status?: number };

export type Outcome = Granted | Failed;

/** Reads the answer of a token endpoint (RFC 6749 §5). Every input ends in a value; nothing of it is thrown or kept. */
export const interpret = (exchange: Exchange, reply: HttpReply): Outcome => {
  const json = success(exchange, reply);
  if ('kind' in json) return json;
  const { provider, account, sentAt } = exchange;
  const status = reply.kind === 'answer' ? { status: reply.status } : {};

  const accessToken = json.body.access_token;
  if (accessToken === '') return { kind: 'unknown', code: 'empty_access_token', ...status };
  if (typeof accessToken !== 'string') return { kind: 'unknown', code: 'malformed_answer', ...status };
  const answer: TokenAnswer = {
    accessToken,
    tokenType: tokenTypeIn(json.body.token_type),
    json: json.body,
    claims: claimsOf(accessToken),
  };

  const lifetime = lifetimeOf(provider, answer, sentAt);
  if (lifetime === 'invalid_lifetime') return { kind: 'unknown', code: lifetime, ...status };
  const usage = guarded(() => account.usage(answer));
  if (usage === 'malformed_answer' || usage === 'internal_error') return { kind: 'unknown', code: usage, ...status };
  if (typeof usage === 'string') return { kind: 'refused', code: usage, ...status };

  const refreshToken = json.body.refresh_token;
  if (isTooLarge(accessToken, usage, refreshToken)) return { kind: 'unknown', code: 'answer_too_large', ...status };
  const endsAt = guarded(() => provider.sessionEnds?.(answer, sentAt));
  if (endsAt === 'internal_error') return { kind: 'unknown', code: endsAt, ...status };
  return {
    kind: 'granted',
    accessToken,
    tokenType: answer.tokenType,
    issuedAt: sentAt,
    expiresAt: lifetime.expiresAt,
    headers: usage.headers,
    baseUrl: usage.baseUrl,
    ...(typeof refreshToken === 'string' && refreshToken !== '' && { refreshToken }),
    ...(endsAt !== undefined && isPlausible(endsAt, sentAt) && { sessionEndsAt: endsAt }),
    warnings: [...lifetime.warnings, ...(usage.warnings ?? [])],
  };
};

/** Reads the first answer of a grant in two steps: the second request, or why there is none. */
export const interpretFirstStep = (
  exchange: Exchange,
  reply: HttpReply,
): { readonly kind: 'next'; readonly request: HttpRequest } | Failed => {
  const json = success(exchange, reply);
  if ('kind' in json) return json;
  const request = guarded(() => exchange.account.exchange?.(json.body));
  if (request === 'internal_error') return { kind: 'unknown', code: request, status: json.status };
  return request ? { kind: 'next', request } : { kind: 'unknown', code: 'malformed_answer', status: json.status };
};

type Json = Readonly<Record<string, unknown>>;

/** Runs a function of a definition. A bug in one must not end the run: the answer counts as one that says nothing. */
const guarded = <T>(read: () => T): T | 'internal_error' => {
  try {
    return read();
  } catch {
    return 'internal_error';
  }
};

/** Too large for a store or for the headers of a consumer. */
const isTooLarge = (accessToken: string, { headers, baseUrl }: Usage, refreshToken: unknown): boolean => {
  const all = Object.entries(headers).flat().join('');
  const tokens = fits(accessToken, LARGEST.accessToken) && fits(all, LARGEST.headers) && fits(baseUrl, LARGEST.baseUrl);
  return !tokens || (typeof refreshToken === 'string' && !fits(refreshToken, LARGEST.refreshToken));
};

const success = (exchange: Exchange, reply: HttpReply): { readonly body: Json; readonly status: number } | Failed => {
  if (reply.kind === 'failed') return failedReply(reply);
  const { status } = reply;
  if (status >= 300 && status < 400) return { kind: 'retry', code: 'redirected', status };
  const body = jsonObject(reply.body);
  const ok = status >= 200 && status < 300;
  if (ok && body && (body.error ?? undefined) === undefined) return { body, status };

  const fault = guarded(() => exchange.provider.fault?.({ status, json: body ?? {} }, exchange.grant));
  if (fault === 'internal_error') return { kind: 'unknown', code: fault, status };
  if (fault) return { ...fault, status };
  if (status === 429)
    return { kind: 'retry', code: 'rate_limited', status, ...retryAfterIn(reply.headers, exchange.sentAt) };
  const named = status < 500 ? standardError(body?.error) : undefined;
  if (named === 'temporarily_unavailable' || named === 'server_error') {
    return { kind: 'retry', code: named, status, ...retryAfterIn(reply.headers, exchange.sentAt) };
  }
  if (named) return { kind: 'refused', code: named, status };
  if (ok) return { kind: 'unknown', code: 'malformed_answer', status };
  return byStatus(exchange, status, reply.headers);
};

const failedReply = ({ code, sent }: Extract<HttpReply, { kind: 'failed' }>): Failed => {
  // The address is the secret's or the answer's: asking again leads to the same one.
  if (code === 'address_refused') return { kind: 'refused', code };
  return { kind: sent ? 'unknown' : 'retry', code };
};

/** So many 4xx that no standard names, and a person has to look. */
const PATIENCE = 5;

/** What an answer without a standard error code means. */
const byStatus = (exchange: Exchange, status: number, headers: Readonly<Record<string, string>>): Failed => {
  const later = retryAfterIn(headers, exchange.sentAt);
  if (status === 503) return { kind: 'retry', code: 'provider_error', status, ...later };
  if (status >= 500 || status < 200) return { kind: 'unknown', code: 'provider_error', status };
  if (status === 408 || status === 425) return { kind: 'retry', code: 'request_rejected', status, ...later };
  if (exchange.grant === 'refresh') return { kind: 'refused', code: 'session_refused', status };
  if (status === 401 || status === 403) return { kind: 'refused', code: 'access_refused', status };
  // A wrong path or a blip of a gateway: worth a few more tries, but a person has to look if it stays.
  return { kind: 'retry', code: 'request_rejected', status, patience: PATIENCE };
};

const standard: ReadonlySet<unknown> = new Set(standardCodes);
const standardError = (error: unknown): ErrorCode | undefined =>
  isErrorCode(error) && standard.has(error) ? error : undefined;

/** `Bearer` however it is spelt, so that consumers can put it in front of the token; anything odd is Bearer too. */
const tokenTypeIn = (value: unknown): string =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z0-9-]{0,30}$/.test(value) && value.toLowerCase() !== 'bearer'
    ? value
    : 'Bearer';

/** RFC 9110 §10.2.3: seconds, or a date. */
export const retryAfterIn = (
  headers: Readonly<Record<string, string>>,
  sentAt: EpochMs,
): { readonly retryAfter?: Milliseconds } => {
  const text = headers['retry-after']?.trim();
  if (!text) return {};
  const after = /^\d+$/.test(text) ? seconds(Number(text)) : epochMs(Date.parse(text)) - sentAt;
  return Number.isNaN(after) || after <= 0 ? {} : { retryAfter: Math.min(after, LONGEST_RETRY_AFTER) };
};
