import type { ErrorCode } from '../core/errors.ts';

/** Stable. `not_yet` and `source_unreachable` may pass soon, `no_valid_token` may pass; a person has to act on others. */
export type TokenErrorCode =
  | 'unknown_connection'
  | 'not_yet'
  | 'no_valid_token'
  | 'forbidden'
  | 'source_unreachable'
  | 'malformed_connection';

/** What to do about each code. docs/consuming.md has the same as a table. */
const advice: Readonly<Record<TokenErrorCode, string>> = {
  unknown_connection:
    'Check its name. A new secret is discovered within a minute; the token of a deleted one is withdrawn.',
  not_yet: 'Its first refresh has not ended, or many readers wait for one: try again in a moment.',
  no_valid_token: 'Its refreshes fail and are retried. `reason` says why: look for it in docs/api.md.',
  forbidden: 'Check the credentials and their grant: grantRead for the table, grantInvokeApi for the API.',
  source_unreachable: 'Check the address, the Region and the network. A call a moment later may succeed.',
  malformed_connection: 'Use "<provider>/<name>" or "<provider>/<name>/<key>".',
};

export const tokenErrorCodes = Object.keys(advice) as readonly TokenErrorCode[];

interface Details {
  /** The code of the connection's last error, if the API has sent one: docs/api.md explains it. */
  readonly reason?: ErrorCode | undefined;
  /** When to try again, in seconds, if the API has sent it. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** The same in every copy of this file: a process may load the package as an ES module and as CommonJS. */
const BRAND = Symbol.for('token-refresher.TokenError');

/** The reason for a missing token. `code` is stable; the message is for people, and has no secret. */
export class TokenError extends Error {
  /** Always `TokenError`. */
  override readonly name = 'TokenError';
  /** For programs. */
  readonly code: TokenErrorCode;
  /** The connection whose token is missing. */
  readonly connection: string;
  /** The code of the connection's last error, if the API has sent it: see docs/api.md. */
  readonly reason: ErrorCode | undefined;
  /** When to try again, in seconds, if the API has sent it. */
  readonly retryAfter: number | undefined;

  constructor(code: TokenErrorCode, connection: string, what: string, { reason, retryAfter, cause }: Details = {}) {
    super(`${connection}: ${what}. ${advice[code]}`, { cause });
    this.code = code;
    this.connection = connection;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}
Object.defineProperty(TokenError.prototype, BRAND, { value: true });
Object.defineProperty(TokenError, Symbol.hasInstance, {
  // A subclass inherits it, and not every TokenError is an instance of that.
  value(this: unknown, value: unknown): boolean {
    if (this !== TokenError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && BRAND in value;
  },
});

/** Whether a failure is an answer about the connection, not a failure to get one. */
export const isVerdict = (error: unknown): error is TokenError =>
  error instanceof TokenError && error.code !== 'forbidden' && error.code !== 'source_unreachable';
