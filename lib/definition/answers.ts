import type { ErrorCode } from '../core/errors.ts';
import { areHeaders, fitsHeader } from '../core/limits.ts';
import type { Fault, Grant, TokenAnswer, Usage, Warning } from '../core/provider.ts';
import { type EpochMs, epochMs, plus, seconds } from '../core/types.ts';
import { parseBaseUrl } from './fields.ts';
import type { DefinitionData } from './schema.ts';
import type { SecretFields } from './secret.ts';
import { filled, filledAll, placeholdersIn, type Values } from './template.ts';
import { at, inUrl, valuesOf, withAnswer } from './values.ts';

type Json = Readonly<Record<string, unknown>>;

/** The answer in the terms of RFC 6749 §5.1. */
export const standardised = ({ answer }: DefinitionData, json: Json, sentAt: EpochMs): Json => {
  const { token, refreshToken, expiry } = answer;
  const stated = expiry === 'never stated' ? undefined : at(json, expiry.path);
  const moment = expiry === 'never stated' ? undefined : momentOf(stated, expiry.as);
  return {
    ...json,
    access_token: at(json, token),
    refresh_token: at(json, refreshToken),
    expires_in: moment === undefined ? stated : (moment - sentAt) / seconds(1),
  };
};

const numberIn = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
};

type Unit = 'seconds' | 'milliseconds' | 'epochSeconds' | 'epochMilliseconds' | 'date';

/** A time that the answer states as such. */
const momentOf = (value: unknown, as: Unit): EpochMs | undefined => {
  const number = numberIn(value);
  if (as === 'epochSeconds') return number === undefined ? undefined : epochMs(seconds(number));
  if (as === 'epochMilliseconds') return number === undefined ? undefined : epochMs(number);
  if (as !== 'date' || typeof value !== 'string') return undefined;
  // A date without a zone is UTC.
  const parsed = Date.parse(/(?:Z|[+-]\d{2}:?\d{2}|GMT|UTC)$/i.test(value) ? value : `${value}Z`);
  return Number.isNaN(parsed) ? undefined : epochMs(parsed);
};

/** When the session ends: the first source with a time. */
export const sessionEndOf = (
  { answer }: DefinitionData,
  { json, claims }: TokenAnswer,
  sentAt: EpochMs,
): EpochMs | undefined => {
  for (const place of answer.sessionEnd) {
    if ('after' in place) return plus(sentAt, place.after);
    const stated = place.path === undefined ? at(claims, place.claim ?? '') : at(json, place.path);
    const end = endOf(stated, place.as, sentAt);
    if (end !== undefined) return end;
  }
  return undefined;
};

const endOf = (stated: unknown, as: Unit, sentAt: EpochMs): EpochMs | undefined => {
  const moment = momentOf(stated, as);
  if (moment !== undefined && moment > 0) return moment;
  const value = numberIn(stated);
  if (value === undefined || value <= 0) return undefined;
  if (as === 'seconds') return plus(sentAt, seconds(value));
  return as === 'milliseconds' ? plus(sentAt, value) : undefined;
};

/** Headers and base URL for the token of an answer, or why it must not be used. */
export const usageOf = (data: DefinitionData, credentials: SecretFields, answer: TokenAnswer): Usage | ErrorCode => {
  const { accessToken, json, claims } = answer;
  if (!fitsNextRefresh(data, json)) return 'malformed_answer';
  for (const [path, field] of Object.entries(data.match)) {
    // An optional field that is absent checks nothing.
    if (credentials[field] === undefined) continue;
    const isOther = (value: unknown) => {
      const sent = typeof value === 'number' ? String(value) : value;
      return (sent ?? credentials[field]) !== credentials[field];
    };
    if (isOther(at(claims, path)) || isOther(at(json, path))) return 'organisation_mismatch';
  }
  const values = withAnswer(valuesOf(data, credentials, { token: accessToken }), { answer: json, claims });
  const baseUrl = baseUrlIn(data, values);
  if (typeof baseUrl === 'object') return baseUrl.code;
  const headers = filledAll(data.consumer.headers, values);
  if (!areHeaders(headers)) return 'malformed_answer';
  const warnings: readonly Warning[] = isNarrowed(data, credentials, json) ? ['scope_narrowed'] : [];
  return { headers, baseUrl, ...(warnings.length > 0 && { warnings }) };
};

const baseUrlIn = (data: DefinitionData, values: Values): string | { readonly code: ErrorCode } => {
  const [found] = data.consumer.baseUrl.flatMap(template => filled(template, values, inUrl) ?? []);
  if (found === undefined) return { code: 'malformed_answer' };
  return parseBaseUrl(found) ?? { code: 'service_uri_refused' };
};

/** Whether the next refresh can send the refresh token, if it does so in a header. */
const fitsNextRefresh = ({ refresh }: DefinitionData, { refresh_token: token }: Json): boolean => {
  const isInHeader = Object.values(refresh?.headers ?? {}).some(each => placeholdersIn(each).includes('refreshToken'));
  return !isInHeader || typeof token !== 'string' || token === '' || fitsHeader(token);
};

/** RFC 6749 §5.1: an answer without `scope` granted the requested scopes. */
const isNarrowed = ({ scopes }: DefinitionData, credentials: SecretFields, { scope }: Json): boolean => {
  if (scopes === undefined || typeof scope !== 'string') return false;
  const granted = new Set(scope.split(/\s+/));
  return (credentials[scopes] ?? '').split(/\s+/).some(requested => requested !== '' && !granted.has(requested));
};

type Rule = DefinitionData['errors'][number];

export const faultIn = (
  rules: readonly Rule[],
  { status, json }: { readonly status: number; readonly json: Json },
  grant: Grant,
): Fault | undefined => {
  const rule = rules.find(each => each.status === status && (each.grant ?? grant) === grant && fits(each, json));
  return rule && ({ kind: rule.means, code: rule.code } as Fault);
};

const fits = ({ has = [], lacks = [], equals = {}, says }: Rule, json: Json): boolean =>
  has.every(path => at(json, path) !== undefined) &&
  lacks.every(path => at(json, path) === undefined) &&
  Object.entries(equals).every(([path, value]) => at(json, path) === value) &&
  (says === undefined || hasText(says, json));

/** The text is only matched, never kept: it may echo a token. */
const hasText = ({ path, anyOf }: NonNullable<Rule['says']>, json: Json): boolean => {
  const text = at(json, path);
  return typeof text === 'string' && anyOf.some(each => wordsIn(each).test(text));
};

const wordsIn = (text: string): RegExp => new RegExp(`(?<!\\w)${text.replace(/[^\w\s]/g, '\\$&')}(?!\\w)`, 'i');
