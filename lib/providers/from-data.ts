import * as z from 'zod';
import type { ErrorCode } from '../core/errors.ts';
import { isObject } from '../core/jwt.ts';
import type { Fault, Grant, HttpRequest, Provider, TokenAnswer, Usage, Warning } from '../core/provider.ts';
import { defineProvider } from './define.ts';
import { type DefinitionData, definitionFrom, type RequestData } from './definition.ts';
import { apiBaseUrl, baseUrlOverride, basicUser, headerText, oneOf, parseBaseUrl, text } from './fields.ts';
import { basic } from './request.ts';
import { filled, filledAll, placeholdersIn, type Values } from './template.ts';

type Credentials = Readonly<Record<string, string | undefined>>;
type Json = Readonly<Record<string, unknown>>;
/** Every field of a secret is a text. */
type SecretSchema = z.ZodObject<Record<string, z.ZodType<string | undefined>>>;

/** A provider that is data alone. Throws a `DefinitionError`. */
export const providerFromData = (file: unknown): Provider => {
  const data = definitionFrom(file);
  const { refresh, sessionOf = [], locks, rateLimit, errors } = data;
  const shared = rateLimit?.sharedBy;
  return defineProvider<SecretSchema>({
    id: data.id,
    title: data.title,
    hosts: data.hosts,
    lifetime: data.lifetime,
    expiresIn: data.expiresIn,
    concurrency: data.concurrency,
    secret: secretOf(data),
    logIn: c => requestFrom(data.login, valuesOf(data, c)),
    usage: (c, answer) => usageOf(data, c, answer),
    ...(rateLimit && { rateLimit: { calls: rateLimit.calls, per: rateLimit.per } }),
    ...(shared !== undefined && { limitShared: c => c[shared] ?? '' }),
    ...(refresh && {
      session: {
        refresh: (c, refreshToken) => requestFrom(refresh, valuesOf(data, c, { refreshToken })),
        client: c => sessionOf.map(field => c[field] ?? ''),
      },
    }),
    ...(locks && { lockable: c => ({ user: c[locks.user] ?? '', password: c[locks.password] ?? '' }) }),
    ...(errors.length > 0 && { fault: (answer, grant) => faultIn(errors, answer, grant) }),
  });
};

/** The schema of the secret. A field that goes into a header, or is the user of HTTP Basic, may not hold everything. */
const secretOf = (data: DefinitionData): SecretSchema => {
  const requests = [data.login, ...(data.refresh ? [data.refresh] : [])];
  const named = (all: readonly string[]) => new Set(all.flatMap(placeholdersIn));
  const inHeaders = named([...requests, data.consumer].flatMap(({ headers }) => Object.values(headers)));
  const users = named(requests.flatMap(each => (each.basic ? [each.basic.user] : [])));
  const kindOf = (name: string) => {
    if (inHeaders.has(name)) return headerText;
    return users.has(name) ? basicUser : text;
  };
  const schemaOf = ([name, field]: [string, DefinitionData['fields'][string]]) => {
    const schema = field.oneOf ? oneOf(field.oneOf) : kindOf(name)(field.purpose);
    if (typeof field.default === 'string') return schema.default(field.default);
    return field.optional || field.default ? schema.optional() : schema;
  };
  return z.object({
    ...Object.fromEntries(Object.entries(data.fields).map(entry => [entry[0], schemaOf(entry)])),
    baseUrl: baseUrlOverride,
    apiBaseUrl,
  });
};

/** What the placeholders of a request stand for. */
const valuesOf = (data: DefinitionData, credentials: Credentials, more: Credentials = {}): Values => {
  const base = addressOf(data.base, credentials);
  const apiBase = data.apiBase === undefined ? base : addressOf(data.apiBase, credentials);
  const known: Credentials = { ...derivedFrom(data, credentials), ...credentials, base, apiBase, ...more };
  return name => (Object.hasOwn(known, name) ? known[name] : undefined);
};

/** The fields that are left out, and whose default depends on another one. */
const derivedFrom = ({ fields }: DefinitionData, credentials: Credentials): Credentials =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, { default: rule }]) => {
      if (credentials[name] !== undefined || typeof rule !== 'object') return [];
      return [[name, credentials[rule.if]?.includes(rule.contains) ? rule.use : rule.otherwise]];
    }),
  );

const addressOf = (address: DefinitionData['base'], credentials: Credentials): string | undefined => {
  if (credentials.baseUrl !== undefined) return credentials.baseUrl;
  if (typeof address === 'string') return address;
  return address.of[credentials[address.by] ?? ''];
};

const ADDRESSES: ReadonlySet<string> = new Set(['base', 'apiBase']);
const isAddress = (name: string): boolean => ADDRESSES.has(name) || /^(?:claims|answer)\./.test(name);
/** A field cannot change where a URL leads to. */
const inUrl = (value: string, name: string): string => (isAddress(name) ? value : encodeURIComponent(value));

const requestFrom = (data: RequestData, values: Values): HttpRequest => {
  const { method, headers, form, json } = data;
  const url = filled(data.url, values, inUrl);
  if (url === undefined) throw new TypeError('A definition has a URL with a placeholder that has no value.');
  const [user, password] = [data.basic?.user ?? '', data.basic?.password ?? ''].map(each => filled(each, values));
  return {
    method,
    url,
    headers: {
      accept: 'application/json',
      ...(form && { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...(json && { 'Content-Type': 'application/json' }),
      ...(data.basic && { Authorization: basic(user ?? '', password ?? '') }),
      ...filledAll(headers, values),
    },
    ...(form && { body: new URLSearchParams(filledAll(form, values)).toString() }),
    ...(json && { body: JSON.stringify(filledAll(json, values)) }),
  };
};

/** What is at a path of an answer. */
const at = (json: Json, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((inner, name) => (isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined), json);

const usageOf = (data: DefinitionData, credentials: Credentials, answer: TokenAnswer): Usage | ErrorCode => {
  const { accessToken, json, claims } = answer;
  for (const [path, field] of Object.entries(data.match)) {
    const isOther = (value: unknown) => {
      const said = typeof value === 'number' ? String(value) : value;
      return (said ?? credentials[field]) !== credentials[field];
    };
    if (isOther(at(claims, path)) || isOther(at(json, path))) return 'organisation_mismatch';
  }
  const own = valuesOf(data, credentials, { token: accessToken });
  const values: Values = name => {
    const [, source, path = ''] = /^(claims|answer)\.(.+)$/.exec(name) ?? [];
    if (source === undefined) return own(name);
    const value = at(source === 'claims' ? claims : json, path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [found] = data.consumer.baseUrl.flatMap(template => filled(template, values, inUrl) ?? []);
  if (found === undefined) return 'malformed_answer';
  const baseUrl = parseBaseUrl(found);
  if (baseUrl === undefined) return 'service_uri_refused';
  const warnings: readonly Warning[] = isNarrowed(data, credentials, json) ? ['scope_narrowed'] : [];
  return { headers: filledAll(data.consumer.headers, values), baseUrl, ...(warnings.length > 0 && { warnings }) };
};

/** RFC 6749 §5.1: an answer without `scope` granted what was asked for. */
const isNarrowed = ({ scopes }: DefinitionData, credentials: Credentials, { scope }: Json): boolean => {
  if (scopes === undefined || typeof scope !== 'string') return false;
  const granted = new Set(scope.split(/\s+/));
  return (credentials[scopes] ?? '').split(/\s+/).some(asked => asked !== '' && !granted.has(asked));
};

const faultIn = (
  rules: DefinitionData['errors'],
  { status, json }: { readonly status: number; readonly json: Json },
  grant: Grant,
): Fault | undefined => {
  const called = grant === 'full' ? 'login' : 'refresh';
  const rule = rules.find(
    each =>
      each.status === status &&
      (each.grant ?? called) === called &&
      (each.has ?? []).every(path => at(json, path) !== undefined) &&
      (each.lacks ?? []).every(path => at(json, path) === undefined),
  );
  return rule && ({ kind: rule.means, code: rule.code } as Fault);
};
