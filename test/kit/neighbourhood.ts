import { defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { allShards } from '../../lib/core/shard.ts';
import { type ConnectionId, type Milliseconds, minutes, plus, seconds } from '../../lib/core/types.ts';
import { builtIn } from '../../lib/providers/index.ts';
import { refreshOnDemand } from '../../lib/refresh/demand.ts';
import { type SweepDeps, sweep } from '../../lib/refresh/sweep.ts';
import { simulatedAccount } from '../../local/simulators/accounts.ts';
import { createSimulators, sendTo } from '../../local/simulators/index.ts';
import { Loop } from '../simulation/loop.ts';
import { discoverNow } from './discover.ts';
import { memoryStores } from './memory.ts';
import { idOf, START } from './records.ts';
import { seeded } from './seeded.ts';
import { answer } from './vendor.ts';
import { PREFIX, workerOf } from './worker.ts';

const officernd = builtIn('officernd');

const URL = 'http://127.0.0.1:8080';
export const ELSEWHERE = 'http://127.0.0.2:9090/officernd';
export const SAME = `${URL}/officernd`;

interface Place {
  readonly baseUrl: string;
  readonly packed: boolean;
}

export const named = (kind: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${kind}-${n}`);

/**
 * Connections of OfficeRnD, which allows five calls a minute, in virtual time. The schedule ticks alternately in two
 * processes, calls take some time, and a third process forces refreshes.
 */
export const neighbourhood = async (honest: number) => {
  const loop = new Loop(START);
  const stores = memoryStores();
  const random = seeded(1);
  const clock = { now: () => loop.now, sleep: (duration: Milliseconds) => loop.sleep(duration) };
  const names = named('honest', honest);
  const ids = names.map(name => idOf(name, officernd.id));
  const accounts = names.map(name => simulatedAccount(officernd.id, name));
  const simulators = createSimulators({ now: clock.now, scale: 1, random: seeded(2), url: URL }, accounts);
  let hostile = (): HttpReply => answer('', 503);
  let hostileCalls = 0;
  let refused = 0;

  const reply = (request: HttpRequest): HttpReply => {
    if (request.body?.includes('client_id=hostile')) {
      hostileCalls += 1;
      return hostile();
    }
    const given = sendTo(simulators, URL, request);
    if (given.kind === 'answer' && given.status === 429) refused += 1;
    return given;
  };
  let claims = 0;
  const policy = { ...defaultPolicy, tick: tickOf(officernd) };
  const claimId = () => `claim-${++claims}`;
  const worker = (): SweepDeps =>
    workerOf({
      ...{ ...stores, clock, random, policy, claimId },
      send: async request => {
        await loop.sleep(200);
        return reply(request);
      },
    });
  const [one, other, demand] = [worker(), worker(), worker()];

  const write = (name: string, secret: object) =>
    stores.secrets.put(`${PREFIX}${officernd.id}/${name}`, JSON.stringify(secret));
  const found = () =>
    discoverNow({ clock, providers: [officernd], prefix: PREFIX, connectionsPerSecret: 200, ...stores });
  for (const { name, fields } of accounts) await write(name, { ...fields, baseUrl: SAME });
  await found();

  let ticks = 0;
  const tick = () => {
    ticks += 1;
    void sweep(ticks % 2 === 0 ? one : other, officernd, allShards, plus(loop.now, minutes(3)));
    loop.after(minutes(1), tick);
  };
  loop.at(START, tick);

  return {
    ids,
    hostileCalls: () => hostileCalls,
    /** How often the honest connections' provider answered 429. */
    refused: () => refused,
    /** Adds connections, which all get the answer of `reply`: each in its own secret, or all in one. */
    join: async (names: readonly string[], place: Place, reply: () => HttpReply = hostile): Promise<void> => {
      hostile = reply;
      const { baseUrl, packed } = place;
      const fields = (name: string) => ({ clientId: `hostile-${name}`, clientSecret: 'x', scope: 'x', baseUrl });
      const connections = Object.fromEntries(names.map(name => [name, fields(name)]));
      if (packed) await write(`hostile-${names[0]}`, { connections });
      else for (const name of names) await write(`hostile-${name}`, fields(name));
      await found();
    },
    /** Forces a refresh of some connections every second. Returns a function with the number of replaced tokens. */
    force: (connections: readonly ConnectionId[]): (() => number) => {
      let replaced = 0;
      const once = async (connection: ConnectionId): Promise<void> => {
        const issuedAt = (await stores.tokens.get(connection))?.issuedAt ?? START;
        const request = { kind: 'force', connection, issuedAt, waits: true } as const;
        if ((await refreshOnDemand(demand, officernd, request)).result === 'refreshed') replaced += 1;
      };
      const all = () => {
        for (const connection of connections) void once(connection);
        loop.after(seconds(1), all);
      };
      all();
      return () => replaced;
    },
    /** Lets time pass, and returns how often a check found one of the connections without a valid token. */
    watch: async (duration: Milliseconds, connections: readonly ConnectionId[]): Promise<number> => {
      const end = plus(loop.now, duration);
      let without = 0;
      while (loop.now < end) {
        await loop.run(plus(loop.now, seconds(15)));
        for (const connection of connections) {
          const token = await stores.tokens.get(connection);
          if (token === undefined || token.expiresAt <= loop.now) without += 1;
        }
      }
      return without;
    },
  };
};
