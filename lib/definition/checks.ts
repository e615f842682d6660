import { isHostPattern, isOnHosts } from '../core/hosts.ts';
import { fieldFaults } from './field-checks.ts';
import { parseBaseUrl } from './fields.ts';
import { nearMiss } from './near-miss.ts';
import { partFaults } from './part-checks.ts';
import type { DefinitionData } from './schema.ts';
import { filled } from './template.ts';
import { ADDRESSES, type Entry, entriesOf, leavesOf, namesIn, requestsOf, templatesOf } from './texts.ts';

/** A fault of a definition whose parts are well-formed: a path, and what to do. */
export interface PathFault {
  readonly path: string;
  readonly message: string;
}

/** Unknown names, addresses on hosts that are not allowed, parts that need another part. */
export const faultsIn = (data: DefinitionData): readonly PathFault[] => [
  ...placeholderFaults(data),
  ...fieldFaults(data),
  ...addressFaults(data),
  ...partFaults(data),
];

const FROM_ANSWER = /^answer\.[A-Za-z0-9_$.-]+$/;
const FROM_TOKEN = /^(?:answer|claims)\.[A-Za-z0-9_$.-]+$/;

/** A part with templates: the names that they may use besides fields and addresses, and the forms of these names. */
interface Part {
  readonly path: string;
  readonly entries: readonly Entry[];
  readonly more?: readonly string[];
  readonly also?: RegExp;
}

const placeholderFaults = (data: DefinitionData): PathFault[] => {
  const known = [...Object.keys(data.fields), ...ADDRESSES];
  const signed = data.assertion ? ['assertion'] : [];
  const { headers, baseUrl } = data.consumer;
  const { header = {}, claims = {} } = data.assertion ?? {};
  const more: Readonly<Record<string, Partial<Part>>> = {
    'login.1': { more: signed, also: FROM_ANSWER },
    refresh: { more: [...signed, 'refreshToken'] },
  };
  const ofRequests = requestsOf(data)
    .filter(({ path }) => path !== 'revoke')
    .map(({ path, request }) => ({ path, entries: entriesOf(request), more: signed, ...more[path] }));
  const parts: readonly Part[] = [
    ...ofRequests,
    { path: 'assertion', entries: leavesOf({ header, claims }) },
    { path: 'consumer', entries: leavesOf({ headers, baseUrl }), more: ['token'], also: FROM_TOKEN },
  ];
  const strangers = parts.flatMap(part => strangersIn(part, known));
  const inRevoke = entriesOf(data.revoke).flatMap(([at, text]) =>
    namesIn(text)
      .filter(name => name !== 'base' && name !== 'token')
      .map(name => ({
        path: `revoke.${at}`,
        message: `has "{${name}}", but the secret is gone by then: only {base} and {token} are known`,
      })),
  );
  return [...strangers, ...inRevoke, ...anchorFaults(data)];
};

const strangersIn = ({ path, entries, more = [], also }: Part, known: readonly string[]): readonly PathFault[] =>
  entries.flatMap(([at, text]) =>
    namesIn(text)
      .filter(name => !known.includes(name) && !more.includes(name) && !also?.test(name))
      .map(name => {
        const meant = nearMiss(name, [...known, ...more]);
        const advice = meant === undefined ? '' : `: did you mean "{${meant}}"?`;
        const others = [...ADDRESSES, ...more].join(', ');
        return {
          path: `${path}.${at}`,
          message: `has "{${name}}", which is neither a field nor one of ${others}${advice}`,
        };
      }),
  );

/** A secret must not lead to another host: every URL begins with a whole address. */
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

/** Every address outside the secret must be on one of the hosts, and have an entry for each value of its field. */
const addressFaults = (data: DefinitionData): PathFault[] => [
  ...[data.base, data.apiBase].flatMap((address, n) => {
    const path = ADDRESSES[n] ?? '';
    const missing =
      typeof address === 'object' && 'by' in address
        ? (data.fields[address.by]?.oneOf ?? ['']).filter(value => !Object.hasOwn(address.of, value))
        : [];
    return [
      ...missing.map(value => ({
        path: `${path}.of`,
        message: value === '' ? 'depends on a field that must have "oneOf"' : `has no address for "${value}"`,
      })),
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

/** Tests the address with one label in place of each field. No field can hold more than a label, see `secret.ts`. */
const addressFault = (path: string, template: string, hosts: readonly string[]): PathFault[] => {
  const sample = filled(template, () => 'any-0-label') ?? '';
  if (parseBaseUrl(sample) !== sample) {
    return [{ path, message: 'must be an https: address without user, query, fragment and slash at its end' }];
  }
  return isOnHosts(sample, hosts) ? [] : [{ path, message: `is "${template}", which must be on one of "hosts"` }];
};
