import { type SimulatedAccount, simulatedSecrets } from '../../local/simulators/accounts.ts';

/** The secrets of a row's connections: a login, or the result of a person's login, which only that person can renew. */
export type SecretKind = 'credentials' | 'a refresh token alone';

/** Both rotate refresh tokens, and end all tokens of one that is used twice. */
export const providerFor = { credentials: 'powerepos', 'a refresh token alone': 'ioffice' } as const satisfies Record<
  SecretKind,
  string
>;

/** The field that identifies a provider's customer. */
export const customerOf = ({ fields }: SimulatedAccount): string => fields.orgId ?? fields.clientId ?? '';

/** The content of a customer's secret. A code comes from a person who has just logged in. */
export const secretContentOf = async (url: string, account: SimulatedAccount, held: SecretKind): Promise<unknown> => {
  const [secret] = Object.values(simulatedSecrets(url, [account]));
  if (held === 'credentials') return secret;
  const { username: _, password: __, ...rest } = { ...secret };
  return { ...rest, authorizationCode: await codeOf(url, account) };
};

const codeOf = async (url: string, { provider, fields }: SimulatedAccount): Promise<string> => {
  const { clientId = '', redirectUri = '', scope = '' } = fields;
  const asked = new URLSearchParams({
    ...{ response_type: 'code', client_id: clientId },
    ...{ redirect_uri: redirectUri, scope },
  });
  const page = await fetch(`${url}/${provider}/login.html?${asked}`, { redirect: 'manual' });
  const { hash } = new URL(page.headers.get('location') ?? 'none:');
  const code = new URLSearchParams(hash.slice(1)).get('code');
  if (code === null) throw new Error('the login page gave no code');
  return code;
};
