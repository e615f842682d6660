import type { Assertion } from '../core/provider.ts';
import { parseBaseUrl } from './fields.ts';
import type { JsonTemplate } from './parts.ts';
import type { DefinitionData } from './schema.ts';
import type { SecretFields } from './secret.ts';
import { filled, type Values } from './template.ts';

/** The values of a definition's placeholders. */

type Json = Readonly<Record<string, unknown>>;

/** `more`: values of a single request. */
export const valuesOf = (data: DefinitionData, credentials: SecretFields, more: SecretFields = {}): Values => {
  const own = { ...derivedFrom(data, credentials), ...credentials };
  const base = addressOf(data.base, own);
  const apiBase = data.apiBase === undefined ? base : addressOf(data.apiBase, own);
  const known: SecretFields = { ...own, base, apiBase, ...more };
  return name => (Object.hasOwn(known, name) ? known[name] : undefined);
};

/** The base URL of the token endpoint. */
export const baseOf = (data: DefinitionData, credentials: SecretFields): string => {
  const base = valuesOf(data, credentials)('base');
  if (base === undefined) throw new TypeError('A definition has an address with a placeholder that has no value.');
  return base;
};

/** The absent fields whose default depends on another field. */
const derivedFrom = ({ fields }: DefinitionData, credentials: SecretFields): SecretFields =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, { default: rule }]) => {
      if (credentials[name] !== undefined || typeof rule !== 'object') return [];
      return [[name, credentials[rule.if]?.includes(rule.contains) ? rule.use : rule.otherwise]];
    }),
  );

const addressOf = (address: DefinitionData['base'], credentials: SecretFields): string | undefined => {
  if (credentials.baseUrl !== undefined) return credentials.baseUrl;
  const one = templateOf(address, credentials);
  const text = one === undefined ? undefined : filled(one, name => credentials[name], inUrl);
  // Host names are case-insensitive: spelling must not change an audience or the binding of a session.
  return text === undefined ? undefined : (parseBaseUrl(text) ?? text);
};

const templateOf = (address: DefinitionData['base'], credentials: SecretFields): string | undefined => {
  if (typeof address === 'string') return address;
  return 'purpose' in address ? undefined : address.of[credentials[address.by] ?? ''];
};

/** Adds values of the answer, if they are texts. */
export const withAnswer =
  (values: Values, sources: Readonly<Record<'answer' | 'claims', Json>>): Values =>
  name => {
    const [, source, path = ''] = /^(answer|claims)\.(.+)$/.exec(name) ?? [];
    if (source !== 'answer' && source !== 'claims') return values(name);
    const value = at(sources[source], path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };

/** The value at a path of an answer. */
export const at = (json: Json, path: string): unknown => {
  if (Object.hasOwn(json, path)) return json[path];
  return path.split('.').reduce<unknown>((inner, name) => memberOf(inner, name), json);
};

const memberOf = (inner: unknown, name: string): unknown =>
  typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name) ? Reflect.get(inner, name) : undefined;

const isAddress = (name: string): boolean => name === 'base' || name === 'apiBase' || /^(?:claims|answer)\./.test(name);

/** Only a whole address at its beginning decides where a URL leads; fields and answers are encoded. */
export const inUrl = (value: string, name: string, offset: number): string | undefined => {
  if (offset === 0 && isAddress(name)) return value;
  return /^\.{1,2}$/.test(value) ? undefined : encodeURIComponent(value);
};

/** A JSON value without the members whose placeholders have no value. */
export const filledJson = (template: JsonTemplate, values: Values): unknown => {
  if (typeof template === 'string') return filled(template, values);
  if (typeof template !== 'object') return template;
  if (Array.isArray(template)) return template.map(each => filledJson(each, values)).filter(each => each !== undefined);
  const members = Object.entries(template).map(([name, each]) => [name, filledJson(each, values)] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
};

/** The assertion to sign for a request, if the definition has one and the secret a key for it. */
export const assertionOf = (data: DefinitionData, credentials: SecretFields): Assertion | undefined => {
  const { assertion } = data;
  const pem = assertion && credentials[assertion.key];
  if (!assertion || pem === undefined) return undefined;
  const values = valuesOf(data, credentials);
  const { algorithm, lifetime, header, claims } = assertion;
  const object = (part: JsonTemplate) => filledJson(part, values) as Json;
  return { algorithm, key: pem, lifetime, header: object(header), claims: object(claims) };
};
