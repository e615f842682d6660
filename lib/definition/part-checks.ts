import { defaultPolicy, longestCallDeadline } from '../core/policy.ts';
import { minutes, seconds } from '../core/types.ts';
import type { PathFault } from './checks.ts';
import type { DefinitionData } from './schema.ts';
import { ADDRESSES, namesIn, requestsOf, templatesOf, textsOf } from './texts.ts';

/** The shortest time in which a schedule of a minute has two chances. */
const SHORTEST_WINDOW = minutes(3);

/** Names of fields that mean something else: in every secret, or as placeholders. */
const RESERVED = ['baseUrl', 'apiBaseUrl', 'connections', 'expires', 'tags', 'token', 'assertion', 'base', 'apiBase'];

/** Parts that need another part, or do not go together. */
export const partFaults = (data: DefinitionData): readonly PathFault[] => [
  ...oddParts(data),
  ...requestFaults(data),
  ...assertionFaults(data),
  ...valueFaults(data),
  ...emptyAddressFaults(data),
];

const oddParts = (data: DefinitionData): readonly PathFault[] => {
  const { login, redeem, refresh, sessionOf, apiBase, fields, renewWithin, lifetime, answer, callDeadline } = data;
  const times = answer.sessionEnd.filter(each => 'as' in each);
  const callsPerRun = (refresh ? 1 : 0) + (login.length > 1 ? 2 : 1);
  const longest = longestCallDeadline(defaultPolicy, { ...data, callsPerRun });
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
      'is missing: name the fields that tell to whom a refresh token belongs',
    ],
    [redeem !== undefined && !refresh, 'refresh', 'is missing: what a person hands in once is of no use without it'],
    [
      typeof apiBase === 'object' && 'purpose' in apiBase,
      'apiBase',
      'must be an address: a secret may have "apiBaseUrl" anyway',
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
    [
      callDeadline !== undefined && (callDeadline < seconds(1) || callDeadline > longest),
      'callDeadline',
      `must be 1s to ${longest / seconds(1)}s: a run has ${callsPerRun === 1 ? 'one call' : `${callsPerRun} calls`}`,
    ],
    ...RESERVED.map(
      name =>
        [
          Object.hasOwn(fields, name),
          `fields.${name}`,
          'has a name that means something else: choose another',
        ] as const,
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
  const ofRequests = requestsOf(data).flatMap(({ path, request: { method, url, form, json } }) => [
    ...(form && json ? [{ path, message: 'has both "form" and "json": a request has one body' }] : []),
    ...(method === 'GET' && (form || json) ? [{ path, message: 'is a GET, which has no body: use "query"' }] : []),
    ...(/[?#]/.test(url) ? [{ path: `${path}.url`, message: 'must end before "?" and "#": use "query"' }] : []),
  ]);
  const inRefresh =
    refresh && !sends(textsOf(refresh), 'refreshToken')
      ? [{ path: 'refresh', message: 'must send "{refreshToken}"' }]
      : [];
  const inRedeem =
    redeem?.request && !sends(textsOf(redeem.request), redeem.field)
      ? [{ path: 'redeem.request', message: `must send "{${redeem.field}}"` }]
      : [];
  return [...ofRequests, ...inRefresh, ...inRedeem];
};

const assertionFaults = (data: DefinitionData): readonly PathFault[] => {
  const { assertion, fields } = data;
  const keys = Object.keys(fields).filter(name => fields[name]?.privateKey && name !== assertion?.key);
  const unsigned = keys.map(name => ({
    path: `fields.${name}.privateKey`,
    message: 'needs an "assertion" whose "key" the field is',
  }));
  if (!assertion) return unsigned;
  const isSent = requestsOf(data).some(({ request }) => textsOf(request).flatMap(namesIn).includes('assertion'));
  return [
    ...unsigned,
    ...(fields[assertion.key] && !fields[assertion.key]?.privateKey
      ? [{ path: 'assertion.key', message: 'must be a field with "privateKey": true' }]
      : []),
    ...(isSent ? [] : [{ path: 'assertion', message: 'is sent by no request: write "{assertion}" where it belongs' }]),
  ];
};

/** Defaults that the field itself would refuse. */
const valueFaults = ({ fields }: DefinitionData): readonly PathFault[] =>
  Object.entries(fields).flatMap(([name, { default: rule, oneOf }]) => {
    const values = typeof rule === 'object' ? [rule.use, rule.otherwise] : [rule ?? oneOf?.[0] ?? ''];
    return !oneOf || values.every(value => oneOf.includes(value))
      ? []
      : [{ path: `fields.${name}.default`, message: 'must be one of "oneOf"' }];
  });

/** Addresses and URLs that would lack a part if the secret leaves a field out. */
const emptyAddressFaults = (data: DefinitionData): readonly PathFault[] => {
  const { base, apiBase, fields, alternatives = [[]], redeem, login, refresh } = data;
  const isAlternative = new Set(alternatives.flat());
  const mayLack = (name: string, group: readonly string[]): boolean => {
    const field = fields[name];
    if (!field || field.default !== undefined) return false;
    return isAlternative.has(name) ? !group.includes(name) : field.optional === true;
  };
  const inUrls = (group: readonly string[]) => {
    const redeems = redeem !== undefined && (group.includes(redeem.field) || login.length === 0);
    const requests = [...(redeems ? [redeem.request] : login), refresh];
    return requests.flatMap(each => (each ? namesIn(each.url) : [])).filter(name => mayLack(name, group));
  };
  const inAddresses = [base, apiBase].flatMap(address => {
    const by = typeof address === 'object' && 'by' in address ? [address.by] : [];
    return [...by, ...templatesOf(address).flatMap(namesIn)].filter(name => mayLack(name, []));
  });
  const open = [base, apiBase].flatMap((address, n) =>
    typeof address === 'object' && 'by' in address && fields[address.by] && !fields[address.by]?.oneOf
      ? [
          {
            path: `${ADDRESSES[n]}.by`,
            message: `must be a field with "oneOf": the values that "of" has addresses for`,
          },
        ]
      : [],
  );
  const lacking = [...inAddresses, ...alternatives.flatMap(inUrls)].map(name => ({
    path: `fields.${name}`,
    message: 'is part of an address, but a secret may leave it out: give it a "default", or make it required',
  }));
  return [...open, ...lacking];
};
