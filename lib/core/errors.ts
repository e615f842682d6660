/**
 * The stable codes of everything that can go wrong with a connection. Only codes are stored, logged or shown. A
 * provider's own words never are, because some providers echo the token: an allow-list, not a filter.
 */
/** RFC 6749 §5.2 and its registry: sent by the provider itself. */
export const standardCodes = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'access_denied',
  'server_error',
  'temporarily_unavailable',
] as const;

/** The codes of an answer: the provider's own, or our reading of it. */
export const answerCodes = [
  ...standardCodes,
  'access_refused',
  'subscription_key_refused',
  'account_restricted',
  'session_refused',
  'session_in_doubt',
  'rate_limited',
  'provider_error',
  'request_rejected',
  'redirected',
  'malformed_answer',
  'answer_too_large',
  'empty_access_token',
  'invalid_lifetime',
  'organisation_mismatch',
  'service_uri_refused',
] as const;

export const errorCodes = [
  ...answerCodes,
  // no answer
  'timeout',
  'network',
  'address_refused',
  // no call yet
  'budget_used',
  'login_in_use',
  'not_refreshed_yet',
  // our side
  'secret_missing',
  'secret_unreadable',
  'secret_malformed',
  'secret_invalid',
  'code_already_redeemed',
  'store_failed',
  'internal_error',
] as const;

export type AnswerCode = (typeof answerCodes)[number];
/** The codes of a connection's last error: docs/api.md explains each. */
export type ErrorCode = (typeof errorCodes)[number];

const ofAnswers: ReadonlySet<string> = new Set(answerCodes);
export const isAnswerCode = (text: string): text is AnswerCode => ofAnswers.has(text);

const known: ReadonlySet<string> = new Set(errorCodes);
export const isErrorCode = (text: unknown): text is ErrorCode => typeof text === 'string' && known.has(text);

/** A failure in our own code or stores: a class, a code and a cause, never a body or a credential. */
export class RefresherError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RefresherError';
    this.code = code;
  }
}

/** Class and frames of an exception. Its message is left out: it might quote a secret. */
export const framesOf = (error: unknown): readonly string[] => {
  if (!(error instanceof Error)) return [typeof error];
  const frames = (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line));
  return [error.name, ...frames.slice(0, 5).map(frame => frame.trim())];
};
