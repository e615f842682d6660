import { isHostPattern, isOnHosts } from '../core/hosts.ts';
import { minutes } from '../core/types.ts';
import { parseBaseUrl } from './fields.ts';
import type { JsonTemplate } from './parts.ts';
import type { DefinitionData, RequestData } from './schema.ts';
import { filled, placeholdersIn } from './template.ts';

/** What is wrong although each part by itself is as it must be: a path, and what to do. */
export interface PathFault {
  readonly path: string;
  readonly message: string;
}

/** Names that nothing stands behind, addresses on hosts that are not allowed, parts that need another part. */
export const faultsIn = (data: DefinitionData): readonly PathFault[] => [
  ...placeholderFaults(data),
  ...fieldFaults(data),
  ...addressFaults(data),
  ...partFaults(data),
];

const ADDRESSES = ['base', 'apiBase'];
const FROM_ANSWER = /^answer\.[A-Za-z0-9_$.-]+$/;
const FROM_TOKEN = /^(?:answer|claims)\.[A-Za-z0-9_$.-]+$/;

/** A part with templates, the names that they may have apart from fields and addresses, and what else they may match. */
interface Part {
  readonly path: string;
  readonly texts: readonly string[];
  readonly more?: readonly string[];
  readonly also?: RegExp;
}

const placeholderFaults = (data: DefinitionData): PathFault[] => {
  const known = [...Object.keys(data.fields), ...ADDRESSES];
  const signed = data.assertion ? ['assertion'] : [];
  const { headers, baseUrl } = data.consumer;
  const { header = {}, claims = {} } = data.assertion ?? {};
  const parts: readonly Part[] = [
    { path: 'login', texts: textsOf(data.login[0]), more: signed },
    { path: 'login', texts: textsOf(data.login[1]), more: signed, also: FROM_ANSWER },
    { path: 'redeem.request', texts: textsOf(data.redeem?.request), more: signed },
    { path: 'refresh', texts: textsOf(data.refresh), more: [...signed, 'refreshToken'] },
    { path: 'assertion', texts: [...Object.values(header), ...leavesOf(claims)] },
    { path: 'consumer', texts: [...Object.values(headers), ...baseUrl], more: ['token'], also: FROM_TOKEN },
  ];
  const strangers = parts.flatMap(({ path, texts, more = [], also }) =>
    namesIn(texts)
      .filter(name => !known.includes(name) && !more.includes(name) && !also?.test(name))
      .map(name => ({
        path,
        message: `has "{${name}}", which is neither a field nor one of ${[...ADDRESSES, ...more].join(', ')}`,
      })),
  );
  const inRevoke = namesIn(textsOf(data.revoke))
    .filter(name => name !== 'base' && name !== 'token')
    .map(name => ({
      path: 'revoke',
      message: `has "{${name}}", but the secret is gone by then: only {base} and {token} are known`,
    }));
  return [...strangers, ...inRevoke, ...anchorFaults(data)];
};

/** What a secret says cannot lead to another host: only a whole address stands at the beginning. */
const anchorFaults = (data: DefinitionData): PathFault[] => [
  ...requestsOf(data)
    .filter(({ request }) => !/^\{(?:base|apiBase)\}(?:\/|$)/.test(request.url))
    .map(({ path }) => ({ path: `${path}.url`, message: 'must begin with "{base}/" or "{apiBase}/"' })),
  ...data.consumer.baseUrl
    .filter(each => !/^\{(?:base|apiBase|claims\.[^{}]+|answer\.[^{}]+)\}(?:\/|$)/.test(each))
    .map(() => ({
      path: 'consumer.baseUrl',
      message: 'must begin with "{base}", "{apiBase}", or an address in the answer such as "{answer.api_url}"',
    })),
];

/** Every request of a definition, and where it is in it. */
const requestsOf = ({ login, redeem, refresh, revoke }: DefinitionData) =>
  [
    { path: 'login', request: login[0] },
    { path: 'login.1', request: login[1] },
    { path: 'redeem.request', request: redeem?.request },
    { path: 'refresh', request: refresh },
    { path: 'revoke', request: revoke },
  ].flatMap(({ path, request }) => (request ? [{ path, request }] : []));

const namesIn = (texts: readonly string[]): readonly string[] => texts.flatMap(placeholdersIn).map(name => name ?? '');

/** All templates of a request. */
export const textsOf = (request: RequestData | undefined): readonly string[] => {
  if (!request) return [];
  const { url, basic, headers, query = {}, form = {}, json = {} } = request;
  const parts = [headers, query, form].flatMap(part => Object.values(part));
  return [url, ...(basic ? [basic.user, basic.password] : []), ...parts, ...leavesOf(json)];
};

const leavesOf = (json: JsonTemplate): readonly string[] => {
  if (typeof json === 'string') return [json];
  return typeof json === 'object' ? Object.values(json).flatMap(leavesOf) : [];
};

/** The templates of an address. */
export const templatesOf = (address: DefinitionData['apiBase']): readonly string[] => {
  if (typeof address === 'string') return [address];
  return address && 'of' in address ? Object.values(address.of) : [];
};

/** Whatever names a field names one that is there. */
const fieldFaults = (data: DefinitionData): PathFault[] => {
  const {
    fields,
    locks,
    rateLimit,
    scopes,
    match,
    alternatives = [],
    sessionOf = [],
    base,
    apiBase,
    redeem,
    assertion,
  } = data;
  const rules = Object.entries(fields).flatMap(([name, { default: rule }]) =>
    typeof rule === 'object' ? [[`fields.${name}.default.if`, rule.if] as const] : [],
  );
  const named: readonly (readonly [string, string | undefined])[] = [
    ...rules,
    ['locks.user', locks?.user],
    ['locks.password', locks?.password],
    ['rateLimit.sharedBy', rateLimit?.sharedBy],
    ['scopes', scopes],
    ['redeem.field', redeem?.field],
    ['assertion.key', assertion?.key],
    ...Object.entries(match).map(([path, field]) => [`match.${path}`, field] as const),
    ...sessionOf.map(field => ['sessionOf', field] as const),
    ...alternatives.flat().map(field => ['alternatives', field] as const),
    ...[base, apiBase].flatMap((address, n) =>
      typeof address === 'object' && 'by' in address ? [[`${ADDRESSES[n]}.by`, address.by] as const] : [],
    ),
    ...[base, apiBase].flatMap((address, n) =>
      namesIn(templatesOf(address)).map(field => [ADDRESSES[n] ?? '', field] as const),
    ),
  ];
  return named
    .filter(([, field]) => field !== undefined && !Object.hasOwn(fields, field))
    .map(([path, field]) => ({ path, message: `names "${field}", which is not one of "fields"` }));
};

/** Every address that is not the secret's own is on the hosts, and there is one for each value that it depends on. */
const addressFaults = (data: DefinitionData): PathFault[] => [
  ...[data.base, data.apiBase].flatMap((address, n) => {
    const path = ADDRESSES[n] ?? '';
    const missing =
      typeof address === 'object' && 'by' in address
        ? (data.fields[address.by]?.oneOf ?? []).filter(value => !Object.hasOwn(address.of, value))
        : [];
    return [
      ...missing.map(value => ({ path: `${path}.of`, message: `has no address for "${value}"` })),
      ...templatesOf(address).flatMap(each => addressFault(path, each, data.hosts)),
    ];
  }),
  ...data.hosts
    .filter(host => !isHostPattern(host))
    .map(host => ({
      path: 'hosts',
      message: `has "${host}": write a host such as "login.example.com" or "*.example.com"`,
    })),
];

/** With one label in place of each field: no field can hold more, see `secret.ts`. */
const addressFault = (path: string, template: string, hosts: readonly string[]): PathFault[] => {
  const sample = filled(template, () => 'a') ?? '';
  if (parseBaseUrl(sample) !== sample) {
    return [{ path, message: 'must be an https: address without user, query, fragment and slash at its end' }];
  }
  return isOnHosts(sample, hosts) ? [] : [{ path, message: `is "${template}", which must be on one of "hosts"` }];
};

/** The shortest time in which a schedule of a minute has two chances. */
const SHORTEST_WINDOW = minutes(3);

const partFaults = (data: DefinitionData): PathFault[] => {
  const { login, redeem, refresh, sessionOf, apiBase, assertion, fields, renewWithin, lifetime, answer, callDeadline } =
    data;
  const times = answer.sessionEnd.filter(each => 'as' in each);
  const faults: readonly (readonly [boolean, string, string])[] = [
    [login.length === 0 && !redeem, 'login', 'is missing: write the request that obtains a token'],
    [
      refresh !== undefined && !sessionOf,
      'sessionOf',
      'is missing: name the fields that tell to whom a refresh token belongs',
    ],
    [redeem !== undefined && !refresh, 'refresh', 'is missing: what a person hands in once is of no use without it'],
    [
      redeem !== undefined && !redeem.request && !refresh,
      'redeem.request',
      'is missing: there is no refresh request either',
    ],
    [
      typeof apiBase === 'object' && 'purpose' in apiBase,
      'apiBase',
      'must be an address: a secret may have "apiBaseUrl" anyway',
    ],
    [
      assertion !== undefined && fields[assertion.key]?.privateKey !== true,
      'assertion.key',
      'must be a field with "privateKey": true',
    ],
    [
      renewWithin !== undefined && (renewWithin < SHORTEST_WINDOW || renewWithin > lifetime),
      'renewWithin',
      'must be at least 3m, and no longer than "lifetime"',
    ],
    [
      times.some(each => (each.path === undefined) === (each.claim === undefined)),
      'answer.sessionEnd',
      'has a time that must have one of "path" and "claim"',
    ],
    [
      lifetime < minutes(5),
      'lifetime',
      'must be at least 5m: schedules run each minute, and a renewal needs several chances',
    ],
    [callDeadline !== undefined && callDeadline < 1000, 'callDeadline', 'must be at least 1s'],
    ...['baseUrl', 'apiBaseUrl', 'connections', 'expires', 'tags', 'token', 'assertion', ...ADDRESSES].map(
      name =>
        [
          Object.hasOwn(fields, name),
          `fields.${name}`,
          'has a name that means something else: choose another',
        ] as const,
    ),
    ...[refresh?.form, ...login.map(each => each.form)].map(
      (form, n) =>
        [
          form !== undefined && [refresh, ...login][n]?.json !== undefined,
          n === 0 ? 'refresh' : 'login',
          'has both "form" and "json": a request has one body',
        ] as const,
    ),
  ];
  return faults.filter(([is]) => is).map(([, path, message]) => ({ path, message }));
};
