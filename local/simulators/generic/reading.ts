import { isObject } from '../../../lib/core/json.ts';
import type { JsonTemplate } from '../../../lib/definition/parts.ts';
import type { RequestData } from '../../../lib/definition/schema.ts';
import { placeholdersIn, type Values } from '../../../lib/definition/template.ts';
import { inUrl } from '../../../lib/definition/values.ts';
import type { SimulatedRequest } from '../kit.ts';
import { basicOf, formOf, jsonOf, pathOf } from '../wire.ts';

/** Reads requests by the templates of a definition: finds the text at each placeholder that has no value. */

export type Captured = Readonly<Record<string, string>>;

export interface Reader {
  /** The known values. All others are read from the request. */
  readonly values: Values;
  /** Whether a field without a value may be in the request: used to find which request was meant, from any account. */
  readonly lenient: boolean;
  /** Whether `{refreshToken}` comes from an earlier answer, not from a field of the secret. */
  readonly refreshes?: boolean;
}

/** Values from earlier answers, and values that are made for each request: never left out. */
const isGiven = (name: string, { refreshes = false }: Reader): boolean =>
  name === 'refreshToken' ? refreshes : /^(?:token|assertion|(?:answer|claims)\..+)$/.test(name);

/** The texts of a request at the placeholders; undefined if it is another request. */
export const readRequest = (template: RequestData, request: SimulatedRequest, reader: Reader): Captured | undefined => {
  if (request.method !== template.method || !isAt(template, request)) return undefined;
  const { basic, headers, form, json } = template;
  return merged([
    readPath(template, request, reader),
    readEntries(queryOf(template), queryIn(request), reader),
    basic ? readBasic(basic, request, reader) : {},
    readHeaders(headers, request, reader),
    form ? readEntries(form, formOf(request), reader) : {},
    json ? readJson(json, jsonOf(request), reader) : {},
  ]);
};

export const readHeaders = (
  headers: Readonly<Record<string, string>>,
  request: SimulatedRequest,
  reader: Reader,
): Captured | undefined => {
  const lowered = Object.entries(headers).map(([name, template]) => [name.toLowerCase(), template]);
  return readEntries(Object.fromEntries(lowered), request.headers, reader);
};

/** Whether a request goes to the path of a template, from any account. */
export const isAt = (template: RequestData, request: SimulatedRequest): boolean =>
  readPath(template, request, { values: () => undefined, lenient: true }) !== undefined;

const readPath = ({ url }: RequestData, request: SimulatedRequest, reader: Reader): Captured | undefined => {
  const path = (url.split('?', 1)[0] ?? '').replace(/^\{(?:base|apiBase)\}/, '') || '/';
  const found = readText(path, pathOf(request) || '/', reader, { encode: inUrl, any: '([^/]+)' });
  return found && Object.fromEntries(Object.entries(found).map(([name, text]) => [name, decoded(text)]));
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const queryOf = ({ url, query = {} }: RequestData): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(new URLSearchParams(url.split('?', 2)[1] ?? '')),
  ...query,
});

const queryIn = ({ path }: SimulatedRequest): Captured =>
  Object.fromEntries(new URLSearchParams(path.split('?', 2)[1] ?? ''));

const readBasic = (
  { user, password, encoded }: NonNullable<RequestData['basic']>,
  request: SimulatedRequest,
  reader: Reader,
): Captured | undefined => {
  const parts = basicOf(request)?.map(each => (encoded ? (new URLSearchParams(`x=${each}`).get('x') ?? '') : each));
  return parts && readEntries({ user, password }, { user: parts[0], password: parts[1] }, reader);
};

const readEntries = (
  templates: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string | undefined>> | undefined,
  reader: Reader,
): Captured | undefined =>
  given && merged(Object.entries(templates).map(([name, template]) => readJson(template, given[name], reader)));

const readJson = (template: JsonTemplate, given: unknown, reader: Reader): Captured | undefined => {
  if (typeof template === 'string') {
    if (typeof given === 'string')
      return isLeftOut(template, reader) && !reader.lenient ? undefined : readText(template, given, reader);
    return given === undefined && isLeftOut(template, reader) ? {} : undefined;
  }
  if (typeof template !== 'object') return given === template ? {} : undefined;
  if (Array.isArray(template)) {
    if (!Array.isArray(given)) return undefined;
    // It is not known which items are left out.
    if (reader.lenient) return {};
    const kept = template.filter(each => typeof each !== 'string' || !isLeftOut(each, reader));
    if (given.length !== kept.length) return undefined;
    return merged(kept.map((each, n) => readJson(each, given[n], reader)));
  }
  if (!isObject(given)) return undefined;
  return merged(Object.entries(template).map(([name, each]) => readJson(each, given[name], reader)));
};

/** A text whose field has no value is left out of a request. */
const isLeftOut = (template: string, reader: Reader): boolean =>
  placeholdersIn(template).some(
    name => name !== undefined && !isGiven(name, reader) && reader.values(name) === undefined,
  );

const same = (value: string): string => value;

const readText = (
  template: string,
  text: string,
  reader: Reader,
  { encode = same, any = '(.+)' }: { encode?: typeof inUrl; any?: string } = {},
): Captured | undefined => {
  const names: string[] = [];
  // Literals have even indexes, names odd ones.
  const parts = template.split(/\{([^{}]*)\}/).map((part, n) => {
    if (n % 2 === 0) return escaped(part);
    const value = isGiven(part, reader) ? undefined : reader.values(part);
    const offset = n === 1 && template.startsWith('{') ? 0 : 1;
    if (value !== undefined) return escaped(encode(value, part, offset) ?? '');
    names.push(part);
    return any;
  });
  const found = new RegExp(`^${parts.join('')}$`, 's').exec(text);
  return found ? Object.fromEntries(names.map((name, n) => [name, found[n + 1] ?? ''])) : undefined;
};

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

const merged = (all: readonly (Captured | undefined)[]): Captured | undefined => {
  const found = all.filter(each => each !== undefined);
  return found.length === all.length ? Object.assign({}, ...found) : undefined;
};
