import { defaultPolicy, leavesTwoTicks, longestCallDeadline, tickOf } from '../core/policy.ts';
import { minutes, seconds } from '../core/types.ts';
import type { PathFault } from './checks.ts';
import type { DefinitionData } from './schema.ts';
import { ADDRESSES, namesIn, requestsOf, templatesOf, textsOf } from './texts.ts';

const SHORTEST_LIFETIME = minutes(5);
/** The shortest time for one call and its possible delays. */
const SHORTEST_WINDOW = seconds(20);

/** Reserved field names: they mean something else in every secret, or as placeholders. */
const RESERVED = [
  'constructor',
  'toString',
  'valueOf',
  'baseUrl',
  'apiBaseUrl',
  'connections',
  'expires',
  'tags',
  'token',
  'assertion',
  'base',
  'apiBase',
];

/** Parts that need another part, or exclude each other. */
export const partFaults = (data: DefinitionData): readonly PathFault[] => [
  ...oddParts(data),
  ...requestFaults(data),
  ...assertionFaults(data),
  ...emptyAddressFaults(data),
];

const oddParts = (data: DefinitionData): readonly PathFault[] => {
  const { login, redeem, refresh, sessionOf, apiBase, fields, renewWithin, lifetime, answer, callDeadline } = data;
  const times = answer.sessionEnd.filter(each => 'as' in each);
  const callsPerRun = (refresh ? 1 : 0) + (login.length > 1 ? 2 : 1);
  const longest = longestCallDeadline(defaultPolicy, { ...data, callsPerRun });
  const { refreshAt = defaultPolicy.refreshAt } = data;
  const faults: readonly (readonly [boolean, string, string])[] = [
    [login.length === 0 && !redeem, 'login', 'is missing: write the request that obtains a token'],
    [
      login.length === 0 && redeem !== undefined && !isSure(data, redeem.field),
      'login',
      `is missing: a secret may lack "${redeem?.field}", and has nothing else to log in with`,
    ],
    [
      refresh !== undefined && !sessionOf,
      'sessionOf',
      'is missing: name the fields that say to whom a refresh token belongs',
    ],
    [redeem !== undefined && !refresh, 'refresh', 'is missing: a one-time code is useless without it'],
    [
      typeof apiBase === 'object' && 'purpose' in apiBase,
      'apiBase',
      'must be an address: a secret may have "apiBaseUrl" anyway',
    ],
    [
      renewWithin !== undefined && (renewWithin < SHORTEST_WINDOW || renewWithin > lifetime),
      'renewWithin',
      'must be at least 20s, and no longer than "lifetime"',
    ],
    [
      times.some(each => (each.path === undefined) === (each.claim === undefined)),
      'answer.sessionEnd',
      'has a time that must have one of "path" and "claim"',
    ],
    [
      lifetime < SHORTEST_LIFETIME,
      'lifetime',
      'must be at least 5m: schedules run each minute, and a renewal needs several chances',
    ],
    [
      lifetime >= SHORTEST_LIFETIME && !leavesTwoTicks(data, refreshAt, tickOf(data)),
      'refreshAt',
      `must be smaller: two ticks of ${tickOf(data) / minutes(1)}m must be left before a token expires`,
    ],
    [
      callDeadline !== undefined && (callDeadline < seconds(1) || callDeadline > longest),
      'callDeadline',
      `must be at least 1s and at most ${longest / seconds(1)}s: the lease holds the calls of a whole run`,
    ],
    [
      data.rateLimit !== undefined && data.rateLimit.calls < login.length,
      'rateLimit.calls',
      'must be at least 2: a login has two steps',
    ],
    ...RESERVED.map(
      name => [Object.hasOwn(fields, name), `fields.${name}`, 'has a reserved name: choose another'] as const,
    ),
  ];
  return faults.filter(([is]) => is).map(([, path, message]) => ({ path, message }));
};

/** Whether every secret has the field. */
const isSure = ({ fields, alternatives }: DefinitionData, name: string): boolean => {
  const isAlternative = alternatives?.some(group => group.includes(name)) === true;
  return isAlternative ? alternatives.every(group => group.includes(name)) : fields[name]?.optional !== true;
};

const requestFaults = (data: DefinitionData): readonly PathFault[] => {
  const { refresh, redeem } = data;
  const sends = (texts: readonly string[], name: string) => texts.flatMap(namesIn).includes(name);
  const ofRequests = requestsOf(data).flatMap(({ path, request: { method, url, form, json, headers, basic } }) => [
    ...(form && json ? [{ path, message: 'has both "form" and "json": a request has one body' }] : []),
    ...(method === 'GET' && (form || json) ? [{ path, message: 'is a GET, which has no body: use "query"' }] : []),
    ...(/[?#\\]/.test(url)
      ? [{ path: `${path}.url`, message: 'must not have "?" or "#": write what comes after "?" as "query"' }]
      : []),
    ...(/\s|\/\.{1,2}(?:\/|$)/.test(url)
      ? [{ path: `${path}.url`, message: 'must not have blanks, "/./" or "/../"' }]
      : []),
    ...headerFaults(`${path}.headers`, headers, [
      ...(basic ? ['authorization'] : []),
      ...(form || json ? ['content-type'] : []),
    ]),
  ]);
  const inRefresh =
    refresh && !sends(textsOf(refresh), 'refreshToken')
      ? [{ path: 'refresh', message: 'must send "{refreshToken}"' }]
      : [];
  const inRedeem =
    redeem?.request && !sends(textsOf(redeem.request), redeem.field)
      ? [{ path: 'redeem.request', message: `must send "{${redeem.field}}"` }]
      : [];
  const { headers, baseUrl } = data.consumer;
  const inConsumer = sends([...Object.values(headers), ...baseUrl], 'token')
    ? []
    : [{ path: 'consumer.headers', message: 'must have "{token}" in one header: consumers need the token' }];
  return [...ofRequests, ...inRefresh, ...inRedeem, ...inConsumer, ...headerFaults('consumer.headers', headers)];
};

/** Headers that the HTTP client sets (RFC 9110 §7.2, RFC 9112 §6). */
const OF_THE_CONNECTION = ['host', 'content-length', 'transfer-encoding', 'connection'];

/** Header names are case-insensitive. */
const headerFaults = (path: string, headers: object, taken: readonly string[] = []): readonly PathFault[] => {
  const names = Object.keys(headers).map(name => name.toLowerCase());
  return names.flatMap((name, n) => {
    if (OF_THE_CONNECTION.includes(name))
      return [{ path, message: `must not have "${name}": the HTTP client sets it` }];
    if (taken.includes(name))
      return [{ path, message: `must not have "${name}": another part of the request sets it` }];
    return names.indexOf(name) < n ? [{ path, message: `has "${name}" twice` }] : [];
  });
};

const assertionFaults = (data: DefinitionData): readonly PathFault[] => {
  const { assertion, fields } = data;
  const keys = Object.keys(fields).filter(name => fields[name]?.privateKey && name !== assertion?.key);
  const unsigned = keys.map(name => ({
    path: `fields.${name}.privateKey`,
    message: 'needs an "assertion" with this field as its "key"',
  }));
  if (!assertion) return unsigned;
  const isSent = requestsOf(data).some(({ request }) => textsOf(request).flatMap(namesIn).includes('assertion'));
  return [
    ...unsigned,
    ...(fields[assertion.key] && !fields[assertion.key]?.privateKey
      ? [{ path: 'assertion.key', message: 'must be a field with "privateKey": true' }]
      : []),
    ...(isSent
      ? []
      : [{ path: 'assertion', message: 'is not sent by any request: write "{assertion}" where it belongs' }]),
  ];
};

/** Addresses and URLs that would be incomplete if the secret leaves out a field. */
const emptyAddressFaults = (data: DefinitionData): readonly PathFault[] => {
  const { base, apiBase, fields, alternatives = [[]], redeem } = data;
  const isAlternative = new Set(alternatives.flat());
  const mayLack = (name: string, group: readonly string[]): boolean => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field || field.default !== undefined) return false;
    return isAlternative.has(name) ? !group.includes(name) : field.optional === true;
  };
  // The redeem request is sent only for secrets with its field, and the login only for others.
  const isSent = (path: string, group: readonly string[]): boolean => {
    const redeems = redeem !== undefined && (!isAlternative.has(redeem.field) || group.includes(redeem.field));
    return path.startsWith('login') ? !redeems : path !== 'redeem.request' || redeems;
  };
  const inUrls = alternatives.flatMap(group =>
    requestsOf(data)
      .filter(({ path }) => isSent(path, group))
      .flatMap(({ path, request }) => namesIn(request.url).map(name => ({ path: `${path}.url`, name })))
      .filter(({ name }) => mayLack(name, group)),
  );
  const inAddresses = [base, apiBase].flatMap((address, n) => {
    const path = ADDRESSES[n] ?? '';
    const own = templatesOf(address).flatMap(namesIn);
    const by = typeof address === 'object' && 'by' in address ? [{ path: `${path}.by`, name: address.by }] : [];
    return [...by, ...own.map(name => ({ path, name }))].filter(({ name }) => mayLack(name, []));
  });
  const inConsumer = alternatives.flatMap(group => {
    const lacking = data.consumer.baseUrl.map(each => namesIn(each).find(name => mayLack(name, group)));
    const [name] = lacking;
    return name !== undefined && lacking.every(each => each !== undefined) ? [{ path: 'consumer.baseUrl', name }] : [];
  });
  return [...inAddresses, ...inUrls, ...inConsumer].map(({ path, name }) => ({
    path,
    message: `needs "${name}", which may be missing: make it required, or give it a default`,
  }));
};
