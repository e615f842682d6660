import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { minutes, parseConnectionId, type SecretVersion, secretOf } from '../../lib/core/types.ts';
import { findProvider, providers } from '../../lib/providers/index.ts';
import { simulatedAccount } from '../../local/simulators/accounts.ts';
import { createSimulators, sendTo, simulatedProviders } from '../../local/simulators/index.ts';
import { seeded } from './seeded.ts';
import { answer, lostAnswer } from './vendor.ts';
import { PREFIX, World } from './world.ts';

const URL = 'http://127.0.0.1:8080';
const HOSTILE = 'http://127.0.0.2:9090';

type Fields = Readonly<Record<string, string>>;

/** An account that gets refresh tokens, if the provider issues any. */
const accountAt = (provider: string) => simulatedAccount(provider, 'acme', { trait: 'legacy' });

export const openedAccount = (provider: string, fields: Fields) => {
  const opened = findProvider(provider)?.open(fields);
  if (!opened?.ok) throw new Error(`no account of ${provider}`);
  return opened.account;
};

const fieldsAt = (provider: string): Fields => ({ ...accountAt(provider).fields, baseUrl: `${URL}/${provider}` });

/** The providers whose connections hold a session. */
export const withSessions = simulatedProviders.filter(id => openedAccount(id, fieldsAt(id)).refresh !== undefined);

/** The answers of the hostile host. */
export const moods = {
  grants: () => answer({ access_token: 'made-up', refresh_token: 'made-up-r', code: 'made-up', expires_in: 3600 }),
  refuses: () => answer({ error: 'invalid_grant' }, 400),
  'is down': () => answer('', 503),
  hangs: () => lostAnswer,
} satisfies Record<string, () => HttpReply>;
export type Mood = keyof typeof moods;

/** A victim with a session at a simulated provider, and a hostile host that records its requests. */
export const victimAndHostileHost = async (
  provider: string,
  options: { readonly packed: boolean; readonly mood?: Mood; readonly byCode?: boolean },
) => {
  const id = parseConnectionId(`${provider}/acme${options.packed ? '/oslo' : ''}`);
  if (!id) throw new Error('no id');
  const received: HttpRequest[] = [];
  let honest = (_: HttpRequest): HttpReply => lostAnswer;
  const world = new World(providers, request => {
    if (!request.url.startsWith(HOSTILE)) return honest(request);
    received.push(request);
    return moods[options.mood ?? 'refuses']();
  });
  const place = { now: world.clock.now, scale: 1, random: seeded(2), url: URL };
  const simulators = createSimulators(place, [accountAt(provider)]);
  honest = request => sendTo(simulators, URL, request);

  const name = `${PREFIX}${secretOf(id)}`;
  const write = (own: object, version?: SecretVersion): Promise<void> =>
    world.stores.secrets.put(name, JSON.stringify(options.packed ? { connections: { oslo: own } } : own), version);
  const erase = () => world.stores.secrets.erase(name);
  /** Removes the connection from its secret, or deletes a secret that holds only this connection. */
  const leave = () =>
    options.packed
      ? world.stores.secrets.put(name, '{"connections":{"bergen":{}}}')
      : world.stores.secrets.delete(name);

  const fields = options.byCode ? browserFields(provider, honest) : fieldsAt(provider);
  await write(fields);
  await world.discover();
  await world.tick(provider);
  const refreshToken = await world.refreshToken(id);
  const version = (await world.record(id)).usedVersion;
  if (refreshToken === undefined || version === undefined) throw new Error('the victim has no session');
  world.calls.length = 0;

  /** A little more than a day of the schedule, and a consumer who sometimes forces a refresh. */
  const goOn = async (): Promise<void> => {
    for (let tick = 0; tick < 80; tick += 1) {
      world.clock.pass(minutes(20));
      await world.discover();
      const { issuedAt = world.clock.now() } = (await world.stores.connections.get(id)) ?? {};
      if (tick % 20 === 19) await world.onDemand({ kind: 'force', connection: id, issuedAt, waits: false });
      await world.tick(provider);
    }
  };
  const victims = (calls: readonly HttpRequest[]) =>
    calls.filter(call => JSON.stringify(call).includes(refreshToken) && !call.url.endsWith('/revoke'));
  return {
    ...{ world, id, fields, version, write, erase, leave, goOn, received },
    hostileUrl: `${HOSTILE}/${provider}`,
    /** The requests to the hostile host that carry the victim's refresh token. */
    leaked: () => received.filter(call => JSON.stringify(call).includes(refreshToken)),
    /** The grants that use it, wherever they go. */
    used: () => victims(world.calls),
  };
};

/** The fields of a connection that a person has logged in to in the browser. */
const browserFields = (provider: string, honest: (request: HttpRequest) => HttpReply): Fields => {
  const { username: _, password: __, ...fields } = fieldsAt(provider);
  const query = new URLSearchParams({
    client_id: fields.clientId ?? '',
    redirect_uri: fields.redirectUri ?? '',
    scope: fields.scope ?? '',
    response_type: 'code',
  });
  const page = honest({ method: 'GET', url: `${URL}/${provider}/login.html?${query}`, headers: {} });
  const location = page.kind === 'answer' ? (page.headers.location ?? '') : '';
  const code = new URLSearchParams(location.split('#')[1]).get('code');
  if (code === null) throw new Error('no code');
  return { ...fields, authorizationCode: code };
};
