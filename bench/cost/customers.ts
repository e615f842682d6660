import type { Provider } from '../../lib/core/provider.ts';
import { simulatedAccount } from '../../local/simulators/accounts.ts';

/** A secret by its name below the prefix, and the connections that it holds. */
export interface CustomerSecret {
  readonly name: string;
  readonly text: string;
  readonly connections: readonly string[];
}

type Fields = Readonly<Record<string, string>>;

const numbered = (what: string, n: number): string => `${what}-${String(n).padStart(6, '0')}`;

/** For a provider with an address for each customer. */
const addressOf = ({ fields }: Provider, n: number): Fields =>
  fields.required.includes('baseUrl') ? { baseUrl: `https://${numbered('site', n)}.iofficeconnect.com` } : {};

/** The fields that all connections of application `key` share. */
const sharedFields = ({ id }: Provider, key: number): Fields => {
  const [one, other] = ['one', 'other'].map(name => simulatedAccount(id, name).fields);
  const shared = Object.entries(one ?? {}).filter(([field, value]) => other?.[field] === value);
  return Object.fromEntries(
    shared.map(([field, value]) => [field, /key|id$/i.test(field) ? `${value}-${key}` : value]),
  );
};

/**
 * The secrets of this many connections of a provider, with `packed` connections each, assigned to `keys` applications
 * in turn. With one connection each, the secret is the connection's own.
 */
export const customerSecretsOf = (
  provider: Provider,
  { connections, packed, keys }: { connections: number; packed: number; keys: number },
): readonly CustomerSecret[] => {
  const secrets: CustomerSecret[] = [];
  for (let first = 0; first < connections; first += packed) {
    const n = secrets.length;
    const shared = { ...sharedFields(provider, n % keys), ...addressOf(provider, n) };
    const own = (customer: number): Fields => {
      const all = simulatedAccount(provider.id, numbered('customer', customer)).fields;
      return Object.fromEntries(Object.entries(all).filter(([field]) => !(field in shared)));
    };
    if (packed === 1) {
      const name = `${provider.id}/${numbered('customer', first)}`;
      secrets.push({ name, text: JSON.stringify({ ...shared, ...own(first) }), connections: [name] });
      continue;
    }
    const members = Array.from({ length: Math.min(packed, connections - first) }, (_, i) => first + i);
    const name = `${provider.id}/${numbered('application', n)}`;
    secrets.push({
      name,
      text: JSON.stringify({
        ...shared,
        connections: Object.fromEntries(members.map(each => [numbered('customer', each), own(each)])),
      }),
      connections: members.map(each => `${name}/${numbered('customer', each)}`),
    });
  }
  return secrets;
};

/** Whether another application has its own rate limit. */
export const limitIsOfKey = (provider: Provider): boolean => {
  const limits = [0, 1].map(key => {
    const fields = { ...sharedFields(provider, key), ...addressOf(provider, 0) };
    const opened = provider.open({ ...simulatedAccount(provider.id, 'any').fields, ...fields });
    return opened.ok ? opened.account.limitKey : '';
  });
  return limits[0] !== limits[1];
};
