import { findProvider, providers } from '../../lib/providers/index.ts';
import { madeUpAccount } from './generic/made-up.ts';
import { digest, guid, phrase } from './words.ts';

type Fields = Readonly<Record<string, string>>;

/** Credentials that a simulator accepts, and the name of their secret. */
export interface SimulatedAccount {
  readonly provider: string;
  /** The name of the connection, or its key in a secret that holds several. */
  readonly name: string;
  /** The secret's name if it holds several connections; otherwise the connection's name. */
  readonly secret?: string;
  readonly fields: Fields;
  /** `legacy`: PowerOffice v1 gives it refresh tokens. `restricted`: Petrosoft refuses its login. */
  readonly trait?: 'legacy' | 'restricted';
}

export const simulatedIdOf = ({ provider, secret, name }: SimulatedAccount): string =>
  [provider, ...(secret === undefined ? [] : [secret]), name].join('/');

/** Made-up credentials for any name. Values of the integration are the same for all, values of a customer differ. */
const fieldsFor: Readonly<Record<string, (name: string) => Fields>> = {
  'poweroffice-v1': name => ({ appKey: guid('v1 application'), clientKey: guid(`v1 client ${name}`) }),
  'poweroffice-v2': name => ({
    appKey: guid('v2 application'),
    subscriptionKey: phrase('subscription-key', 'v2'),
    clientKey: guid(`v2 client ${name}`),
  }),
  officernd: name => ({
    clientId: phrase('client', name),
    clientSecret: phrase('client-secret', name),
    scope: 'officernd.api.read officernd.api.write',
    organizationSlug: name,
  }),
  powerepos: name => ({
    clientId: phrase('client', 'powerepos'),
    clientSecret: phrase('client-secret', 'powerepos'),
    orgId: `ORG-${digest(name).slice(0, 6)}`,
    username: `service-${name}`,
    password: phrase('password', name),
  }),
  petrosoft: name => ({ login: `api-${name}`, password: phrase('password', name) }),
  ioffice: name => ({
    clientId: phrase('client', name),
    redirectUri: 'https://example.com/token-refresher',
    scope: 'read',
    username: `service-${name}`,
    password: phrase('password', name),
  }),
};

export const simulatedAccount = (
  provider: string,
  name: string,
  more: Pick<SimulatedAccount, 'secret' | 'trait'> = {},
): SimulatedAccount => {
  const found = findProvider(provider);
  const fields = fieldsFor[provider]?.(name) ?? (found && madeUpAccount(found, name).fields);
  if (!fields) throw new Error(`There are no made-up credentials for the provider "${provider}"`);
  return { provider, name, fields, ...more };
};

/** The accounts of the laptop. */
export const simulatedAccounts: readonly SimulatedAccount[] = [
  simulatedAccount('poweroffice-v1', 'birch-bakery'),
  simulatedAccount('poweroffice-v1', 'old-mill', { trait: 'legacy' }),
  simulatedAccount('poweroffice-v2', 'oslo', { secret: 'nordic-books' }),
  simulatedAccount('poweroffice-v2', 'bergen', { secret: 'nordic-books' }),
  simulatedAccount('poweroffice-v2', 'tromso', { secret: 'nordic-books' }),
  simulatedAccount('poweroffice-v2', 'lighthouse'),
  simulatedAccount('officernd', 'loft'),
  simulatedAccount('officernd', 'harbour-desks'),
  simulatedAccount('powerepos', 'corner-cafe'),
  simulatedAccount('powerepos', 'museum-shop'),
  simulatedAccount('petrosoft', 'station-7'),
  simulatedAccount('petrosoft', 'station-12'),
  simulatedAccount('ioffice', 'campus'),
  simulatedAccount('ioffice', 'tower'),
  ...providers.filter(({ id }) => !(id in fieldsFor)).map(provider => madeUpAccount(provider, 'example')),
];

type Secret = Readonly<Record<string, unknown>>;

/** What to store for the accounts, by `<provider>/<secret name>`, with the simulators at `url`. */
export const simulatedSecrets = (
  url: string,
  accounts: readonly SimulatedAccount[] = simulatedAccounts,
): Readonly<Record<string, Secret>> => {
  const secretOf = (account: SimulatedAccount) => `${account.provider}/${account.secret ?? account.name}`;
  const groups = Map.groupBy(accounts, secretOf);
  return Object.fromEntries([...groups].map(([name, members]) => [name, secretHolding(url, members)]));
};

const secretHolding = (url: string, members: readonly SimulatedAccount[]): Secret => {
  const [first] = members;
  if (!first) return {};
  const baseUrl = `${url}/${first.provider}`;
  if (first.secret === undefined) return { ...first.fields, baseUrl };
  const isShared = ([field, value]: [string, string]) => members.every(({ fields }) => fields[field] === value);
  const own = (account: SimulatedAccount) =>
    Object.fromEntries(Object.entries(account.fields).filter(entry => !isShared(entry)));
  return {
    ...Object.fromEntries(Object.entries(first.fields).filter(isShared)),
    baseUrl,
    connections: Object.fromEntries(members.map(account => [account.name, own(account)])),
  };
};
