import type { ApiDeps } from '../../lib/api/deps.ts';
import type { HttpAnswer } from '../../lib/api/problem.ts';
import { serve } from '../../lib/api/serve.ts';
import { defaultPolicy, promised, tickOf } from '../../lib/core/policy.ts';
import type { HttpReply } from '../../lib/core/provider.ts';
import { type ConnectionId, parseConnectionId } from '../../lib/core/types.ts';
import { builtIn } from '../../lib/providers/index.ts';
import type { RefreshRequest } from '../../lib/refresh/demand.ts';
import { expectConforming } from '../api/conforms.ts';
import type { Hooks } from './memory.ts';
import { idOf, START } from './records.ts';
import { World } from './world.ts';

const powerofficeV2 = builtIn('poweroffice-v2');

export const LIFE = 1_200_000;

/** Strings that must not appear in any answer, log line or metric. */
export const planted = {
  clientKey: 'planted-client-key-1f0c',
  subscriptionKey: 'planted-subscription-key-77aa',
  words: 'planted-words-of-the-provider-e5d2',
} as const;

export const grantReply = (accessToken: string, expiresIn = LIFE / 1000): HttpReply => ({
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

/** How much of its life a token has left at least while the schedule works, in whole milliseconds. */
export const PROMISED = Math.ceil(promised({ ...defaultPolicy, tick: tickOf(powerofficeV2) }, LIFE));

/** The API over a world with one connection's provider, whose answers the test sets. */
export const apiWorld = (hooks: Hooks = {}) => {
  const provider = powerofficeV2;
  let answer: (call: number) => HttpReply | Promise<HttpReply> = call => grantReply(`token-${call}`);
  const world: World = new World([provider], () => answer(world.calls.length), {
    policy: { tick: tickOf(provider) },
    random: () => 0.5,
    hooks,
  });
  const { clock, stores, policy, calls } = world;
  const refresher = world.worker();
  const requests: RefreshRequest[] = [];
  const failures: unknown[] = [];
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
      return world.onDemand(request, refresher);
    },
    refreshFailed: error => failures.push(error),
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
    add: (name: string, fields: Record<string, unknown> = {}): Promise<ConnectionId> => {
      const { clientKey, subscriptionKey } = planted;
      return world.add(idOf(name, provider.id), { appKey: 'made-up-app', clientKey, subscriptionKey, ...fields });
    },
    discover: () => world.discover(),
    tick: () => world.tick(provider.id, refresher),
    call: async (method: string, path: string, query: Record<string, string> = {}, with_: Partial<ApiDeps> = {}) =>
      opened(method, path, await serve({ ...deps, ...with_ }, { method, path, query })),
    /** A consumer reports the token of `issuedAt` as refused; by default the published one. */
    refuse: async (path: string, issuedAt?: number, with_: Partial<ApiDeps> = {}) => {
      const connection = parseConnectionId(path.replace('/tokens/', ''));
      const refused = issuedAt ?? (connection && (await stores.tokens.get(connection))?.issuedAt) ?? START;
      const body = JSON.stringify({ issuedAt: new Date(refused).toISOString() });
      return opened('POST', path, await serve({ ...deps, ...with_ }, { method: 'POST', path, query: {}, body }));
    },
  };
};
export type ApiWorld = ReturnType<typeof apiWorld>;

export interface OpenedAnswer extends HttpAnswer {
  readonly json: Readonly<Record<string, unknown>>;
}
/** An answer with its JSON, which has to be what docs/openapi.json says. */
const opened = (method: string, path: string, answer: HttpAnswer): OpenedAnswer => {
  expectConforming(method, path, answer);
  return { ...answer, json: JSON.parse(answer.body) };
};
