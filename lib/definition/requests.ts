import { fitsHeader } from '../core/limits.ts';
import type { HttpRequest } from '../core/provider.ts';
import type { RequestData } from './schema.ts';
import { filled, filledAll, placeholdersIn, type Values } from './template.ts';
import { textsOf } from './texts.ts';
import { filledJson, inUrl } from './values.ts';

/** A request of a definition, ready to be sent. Throws a `TypeError` if the URL has a placeholder without a value. */
export const requestFrom = (data: RequestData, values: Values): HttpRequest => {
  const { method, headers, form, json } = data;
  return {
    method,
    url: urlFrom(data, values),
    headers: {
      accept: 'application/json',
      ...(form && { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...(json && { 'Content-Type': 'application/json' }),
      ...basicFrom(data.basic, values),
      ...filledAll(headers, values),
    },
    ...(form && { body: new URLSearchParams(filledAll(form, values)).toString() }),
    ...(json && { body: JSON.stringify(filledJson(json, values)) }),
  };
};

const urlFrom = ({ url, query }: RequestData, values: Values): string => {
  const address = filled(url, values, inUrl);
  if (address === undefined) throw new TypeError('A definition has a URL with a placeholder that has no value.');
  const searched = new URLSearchParams(filledAll(query ?? {}, values)).toString();
  return searched === '' ? address : `${address}?${searched}`;
};

/**
 * The second request of a login; undefined if the first answer lacks a value for it, or has one that does not fit into
 * a header.
 */
export const requestAfter = (data: RequestData, values: Values): HttpRequest | undefined => {
  const fromAnswer = (texts: readonly string[]) =>
    texts.flatMap(placeholdersIn).filter((name): name is string => name?.startsWith('answer.') === true);
  const isComplete = fromAnswer(textsOf(data)).every(name => values(name) !== undefined);
  const fits = fromAnswer(Object.values(data.headers)).every(name => fitsHeader(values(name) ?? ''));
  return isComplete && fits ? requestFrom(data, values) : undefined;
};

/**
 * HTTP Basic with both parts byte for byte (RFC 7617). RFC 6749 §2.3.1 would form-encode them first, but most providers
 * compare the bytes and take a `-` sent as `%2D` for a wrong key.
 */
const basicFrom = (data: RequestData['basic'], values: Values): { readonly Authorization?: string } => {
  if (!data) return {};
  const { user, password, encoded } = data;
  const encode = (text: string) => (encoded ? new URLSearchParams([['', text]]).toString().slice(1) : text);
  const [id, secret] = [filled(user, values), filled(password, values)];
  // An unused alternative omits its header.
  if (id === undefined || secret === undefined) return {};
  return { Authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`, 'utf8').toString('base64')}` };
};
