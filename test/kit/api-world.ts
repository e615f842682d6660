import type { ApiDeps } from '../../lib/api/deps.ts';
import type { HttpAnswer } from '../../lib/api/problem.ts';
import { serve } from '../../lib/api/serve.ts';
import { defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { CONNECTIONS_PER_SECRET } from '../../lib/core/secret.ts';
import { type ConnectionId, parseConnectionId } from '../../lib/core/types.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import type { Clock } from '../../lib/ports.ts';
import { builtIn } from '../../lib/providers/index.ts';
import { CredentialCache } from '../../lib/refresh/credentials.ts';
import { type RefreshRequest, refreshOnDemand } from '../../lib/refresh/demand.ts';
import { Fingerprints } from '../../lib/refresh/fingerprints.ts';
import { Logins } from '../../lib/refresh/logins.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import { type SweepDeps, sweep } from '../../lib/refresh/sweep.ts';
import { discoverNow } from './discover.ts';
import { type Hooks, memoryStores } from './memory.ts';
import { idOf, START } from './records.ts';
import { virtualClock } from './virtual-clock.ts';

const powerofficeV2 = builtIn('poweroffice-v2');

const PREFIX = 'token-refresher/';
export const LIFE = 1_200_000;

/** Strings that must not appear in any answer, log line or metric. */
export const planted = {
  clientKey: 'planted-client-key-1f0c',
  subscriptionKey: 'planted-subscription-key-77aa',
  words: 'planted-words-of-the-provider-e5d2',
} as const;

export const granted = (accessToken: string, expiresIn = LIFE / 1000): HttpReply => ({
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn }),
});

export const refused = (status: number, error: string, headers: Record<string, string> = {}): HttpReply => ({
  kind: 'answer',
  status,
  headers,
  body: JSON.stringify({ error, error_description: planted.words }),
});

/** The API over memory stores, with a real refresher and a provider whose answers the test sets. */
export const apiWorld = (clock: Clock = virtualClock(), hooks: Hooks = {}) => {
  const provider = powerofficeV2;
  const policy = { ...defaultPolicy, tick: tickOf(provider) };
  const stores = memoryStores(hooks);
  const requests: RefreshRequest[] = [];
  const calls: HttpRequest[] = [];
  const failures: unknown[] = [];
  let answer: (call: number) => HttpReply | Promise<HttpReply> = call => granted(`token-${call}`);
  let claims = 0;
  const claimId = () => `claim-${++claims}`;
  const refresher: SweepDeps = {
    clock,
    tokens: stores.tokens,
    connections: stores.connections,
    limiter: leasingRateLimiter(stores.limits, clock),
    sessions: stores.sessions,
    logins: new Logins({ clock, store: stores.logins, policy, tryId: claimId }),
    credentials: new CredentialCache(stores.secrets, new Fingerprints(stores.logins, claimId), PREFIX),
    policy,
    random: () => 0.5,
    claimId,
    sign: signAssertion,
    send: async request => {
      calls.push(request);
      return answer(calls.length);
    },
    observer: { refresh: () => {}, unclaimed: () => {}, retired: () => {}, outOfTime: () => {}, sweep: () => {} },
  };
  const deps: ApiDeps = {
    clock,
    tokens: stores.tokens,
    connections: stores.connections,
    providers: new Map([
      [provider.id, policy],
      ['petrosoft', defaultPolicy],
    ]),
    refresh: request => {
      requests.push(request);
      return refreshOnDemand(refresher, provider, request);
    },
    refreshFailed: error => failures.push(error),
  };
  const { secrets, connections, tokens } = stores;
  const discovery = {
    ...{ clock, secrets, connections, tokens, providers: [provider], prefix: PREFIX },
    connectionsPerSecret: CONNECTIONS_PER_SECRET,
  };
  return {
    ...stores,
    clock,
    deps,
    refresher,
    requests,
    calls,
    failures,
    answers: (next: typeof answer) => {
      answer = next;
    },
    /** Adds a connection as a person does: stores a secret, and it is discovered. */
    add: async (name: string, fields: Record<string, unknown> = {}): Promise<ConnectionId> => {
      const { clientKey, subscriptionKey } = planted;
      const secret = { appKey: 'made-up-app', clientKey, subscriptionKey, ...fields };
      await secrets.put(`${PREFIX}${provider.id}/${name}`, JSON.stringify(secret));
      await discoverNow(discovery);
      return idOf(name, provider.id);
    },
    discover: () => discoverNow(discovery),
    tick: () => sweep(refresher, provider, [0, 1, 2, 3, 4, 5, 6, 7], Number.MAX_SAFE_INTEGER as never),
    call: async (method: string, path: string, query: Record<string, string> = {}, with_: Partial<ApiDeps> = {}) =>
      opened(await serve({ ...deps, ...with_ }, { method, path, query })),
    /** A consumer reports the token of `issuedAt` as refused; by default the published one. */
    refuse: async (path: string, issuedAt?: number, with_: Partial<ApiDeps> = {}) => {
      const connection = parseConnectionId(path.replace('/tokens/', ''));
      const refused = issuedAt ?? (connection && (await stores.tokens.get(connection))?.issuedAt) ?? START;
      const body = JSON.stringify({ issuedAt: new Date(refused).toISOString() });
      return opened(await serve({ ...deps, ...with_ }, { method: 'POST', path, query: {}, body }));
    },
  };
};
export type ApiWorld = ReturnType<typeof apiWorld>;

export interface OpenedAnswer extends HttpAnswer {
  readonly json: Readonly<Record<string, unknown>>;
}
export const opened = (answer: HttpAnswer): OpenedAnswer => ({ ...answer, json: JSON.parse(answer.body) });
