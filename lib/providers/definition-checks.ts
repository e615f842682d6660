import { isHostPattern, isOnHosts } from '../core/hosts.ts';
import type { DefinitionData, RequestData } from './definition.ts';
import { placeholdersIn } from './template.ts';

/** What is wrong although each part by itself is as it must be: a path, and what to do. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

const ADDRESSES = ['base', 'apiBase'];
const FROM_ANSWER = /^(?:claims|answer)\.[A-Za-z0-9_$.-]+$/;

/** Names that nothing stands behind, addresses on hosts that are not allowed, parts that need another part. */
export const faultsIn = (data: DefinitionData): readonly Fault[] => [
  ...placeholderFaults(data),
  ...fieldFaults(data),
  ...addressFaults(data),
  ...sessionFaults(data),
];

const placeholderFaults = (data: DefinitionData): Fault[] => {
  const known = [...Object.keys(data.fields), ...ADDRESSES];
  const unknownIn = (path: string, texts: readonly string[], more: readonly string[]): Fault[] =>
    texts.flatMap(text =>
      placeholdersIn(text).flatMap(name => {
        if (name !== undefined && [...known, ...more].includes(name)) return [];
        if (more.includes('token') && FROM_ANSWER.test(name ?? '')) return [];
        return [{ path, message: `"{${name}}" is neither a field nor one of ${[...ADDRESSES, ...more].join(', ')}` }];
      }),
    );
  const { headers, baseUrl } = data.consumer;
  return [
    ...unknownIn('login', textsOf(data.login), []),
    ...unknownIn('refresh', textsOf(data.refresh), ['refreshToken']),
    ...unknownIn('consumer', [...Object.values(headers), ...baseUrl], ['token']),
    ...[data.login, ...(data.refresh ? [data.refresh] : [])].flatMap(({ url }) => anchorFault('url', url, ADDRESSED)),
    ...baseUrl.flatMap(each => anchorFault('consumer.baseUrl', each, CONSUMED)),
  ];
};

const ADDRESSED = /^\{(?:base|apiBase)\}(?:\/|$)/;
const CONSUMED = /^\{(?:base|apiBase|claims\.[^{}]+|answer\.[^{}]+)\}(?:\/|$)/;

/** What a secret says cannot lead to another host: only a whole address stands at the beginning. */
const anchorFault = (path: string, text: string, anchor: RegExp): Fault[] =>
  anchor.test(text) ? [] : [{ path, message: `"${text}" must begin with "{base}/" or "{apiBase}/"` }];

const textsOf = (request: RequestData | undefined): readonly string[] => {
  if (!request) return [];
  const { url, basic, headers, form = {}, json = {} } = request;
  const parts = [headers, form, json].flatMap(part => Object.values(part));
  return [url, ...(basic ? [basic.user, basic.password] : []), ...parts];
};

const addressesOf = (address: DefinitionData['apiBase']): readonly string[] => {
  if (address === undefined) return [];
  return typeof address === 'string' ? [address] : Object.values(address.of);
};

/** Whatever names a field names one that is there. */
const fieldFaults = (data: DefinitionData): Fault[] => {
  const { fields, locks, rateLimit, scopes, match, sessionOf = [], base, apiBase } = data;
  const rules = Object.entries(fields).flatMap(([name, { default: rule }]) =>
    typeof rule === 'object' ? [[`fields.${name}.default.if`, rule.if] as const] : [],
  );
  const named: readonly (readonly [string, string | undefined])[] = [
    ...rules,
    ['locks.user', locks?.user],
    ['locks.password', locks?.password],
    ['rateLimit.sharedBy', rateLimit?.sharedBy],
    ['scopes', scopes],
    ...Object.entries(match).map(([path, field]) => [`match.${path}`, field] as const),
    ...sessionOf.map(field => ['sessionOf', field] as const),
    ...[base, apiBase].map(
      (address, n) => [`${ADDRESSES[n]}.by`, typeof address === 'object' ? address.by : undefined] as const,
    ),
  ];
  return named.flatMap(([path, field]) =>
    field === undefined || Object.hasOwn(fields, field) ? [] : [{ path, message: `"${field}" is not one of "fields"` }],
  );
};

/** Every address that is not the secret's own is on the hosts, and there is one for each value that it depends on. */
const addressFaults = (data: DefinitionData): Fault[] =>
  [data.base, data.apiBase]
    .flatMap((address, n) => {
      const path = ADDRESSES[n] ?? '';
      const missing =
        typeof address === 'object'
          ? (data.fields[address.by]?.oneOf ?? []).filter(value => !Object.hasOwn(address.of, value))
          : [];
      const foreign = addressesOf(address).filter(each => !isOnHosts(each, data.hosts));
      return [
        ...missing.map(value => ({ path: `${path}.of`, message: `has no address for "${value}"` })),
        ...foreign.map(each => ({ path, message: `"${each}" must be an https: address on one of "hosts"` })),
      ];
    })
    .concat(
      data.hosts
        .filter(host => !isHostPattern(host))
        .map(host => ({
          path: 'hosts',
          message: `"${host}" must be a host such as "login.example.com" or "*.example.com"`,
        })),
    );

const sessionFaults = ({ refresh, sessionOf }: DefinitionData): Fault[] => {
  if (refresh && !sessionOf)
    return [{ path: 'sessionOf', message: 'is missing: name the fields that tell to whom a refresh token belongs' }];
  return [];
};
