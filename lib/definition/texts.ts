import type { JsonTemplate } from './parts.ts';
import type { DefinitionData, RequestData } from './schema.ts';
import { placeholdersIn } from './template.ts';

/** The places in a definition that have templates. */

export const ADDRESSES = ['base', 'apiBase'];

/** Every request of a definition with its path. */
export const requestsOf = ({ login: [first, second], redeem, refresh, revoke }: DefinitionData) =>
  [
    { path: second ? 'login.0' : 'login', request: first },
    { path: 'login.1', request: second },
    { path: 'redeem.request', request: redeem?.request },
    { path: 'refresh', request: refresh },
    { path: 'revoke', request: revoke },
  ].flatMap(({ path, request }) => (request ? [{ path, request }] : []));

/** A template with its path. */
export type Entry = readonly [path: string, text: string];

/** All templates of a request. */
export const entriesOf = (request: RequestData | undefined): readonly Entry[] => {
  if (!request) return [];
  const { url, basic, headers, query = {}, form = {}, json = {} } = request;
  const credentials: readonly Entry[] = basic
    ? [
        ['basic.user', basic.user],
        ['basic.password', basic.password],
      ]
    : [];
  return [['url', url], ...credentials, ...leavesOf({ headers, query, form, json })];
};

export const textsOf = (request: RequestData | undefined): readonly string[] =>
  entriesOf(request).map(([, text]) => text);

/** The texts in a JSON value. */
export const leavesOf = (json: JsonTemplate, path = ''): readonly Entry[] => {
  if (typeof json === 'string') return [[path, json]];
  if (typeof json !== 'object') return [];
  return Object.entries(json).flatMap(([name, inner]) => leavesOf(inner, path === '' ? name : `${path}.${name}`));
};

/** The names of the placeholders in a text. */
export const namesIn = (text: string): readonly string[] => placeholdersIn(text).map(name => name ?? '');

/** The templates of an address. */
export const templatesOf = (address: DefinitionData['apiBase']): readonly string[] => {
  if (typeof address === 'string') return [address];
  return address && 'of' in address ? Object.values(address.of) : [];
};
