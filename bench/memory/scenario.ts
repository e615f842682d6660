/** The test data for the customers of one provider. */
export interface MemoryScenario {
  readonly title: string;
  /** Connections per secret with the largest accepted access token and refresh token. */
  readonly largeOfSecret: number;
  /** The length of names and keys. */
  readonly nameLength: number;
  /** Secrets are filled up to this size, in characters. */
  readonly secretSize: number;
}

export const MEASURED_PROVIDER = 'powerepos';
/** A public name that leads to the provider on loopback: a deployment only calls public addresses. */
export const PROVIDER_HOST = 'provider.example';
export const OF_SECRET = 200;

/** The organisation of a customer with the largest tokens. Every grant sends it to the provider. */
const LARGE = 'large-';
export const isLarge = (organisation: string): boolean => organisation.startsWith(LARGE);

export const memoryScenarios: readonly MemoryScenario[] = [
  { title: 'ordinary', largeOfSecret: 0, nameLength: 16, secretSize: 0 },
  { title: 'largest', largeOfSecret: 24, nameLength: 16, secretSize: 65_536 },
  { title: 'longest-names', largeOfSecret: 24, nameLength: 100, secretSize: 65_536 },
];

export interface Customers {
  /** The text of each secret by its name below the prefix. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly connections: readonly string[];
}

export const memoryCustomersOf = (scenario: MemoryScenario, count: number, baseUrl: string): Customers => {
  const padded = (name: string) => name.padEnd(scenario.nameLength, 'x');
  const secrets = new Map<string, string>();
  const connections: string[] = [];
  for (let n = 0; n < count; n += OF_SECRET) {
    const secret = `${MEASURED_PROVIDER}/${padded(`secret-${n}-`)}`;
    const keys = Array.from({ length: Math.min(OF_SECRET, count - n) }, (_, i) => padded(`customer-${n + i}-`));
    secrets.set(secret, textOf(scenario, keys, baseUrl));
    connections.push(...keys.map(key => `${secret}/${key}`));
  }
  return { secrets, connections };
};

const textOf = ({ largeOfSecret, secretSize }: MemoryScenario, keys: readonly string[], baseUrl: string): string => {
  const shared = { clientId: 'made-up-client', clientSecret: 'made-up-client-secret', baseUrl };
  const text = (passwordSize: number) => {
    const own = keys.map((key, n) => {
      const orgId = `${n < largeOfSecret ? LARGE : ''}${n}`;
      return [key, { orgId, username: `user-${n}`, password: 'p'.repeat(passwordSize) }] as const;
    });
    return JSON.stringify({ ...shared, connections: Object.fromEntries(own) });
  };
  const left = Math.floor((secretSize - text(0).length) / keys.length);
  return text(Math.max(16, left));
};
