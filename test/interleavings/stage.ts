import type { ApiDeps } from '../../lib/api/deps.ts';
import { serve } from '../../lib/api/serve.ts';
import { defaultPolicy } from '../../lib/core/policy.ts';
import type { HttpReply, Provider } from '../../lib/core/provider.ts';
import { CONNECTIONS_PER_SECRET } from '../../lib/core/secret.ts';
import { allShards, shardOf } from '../../lib/core/shard.ts';
import { type ConnectionId, type EpochMs, epochMs, minutes, plus, type Token } from '../../lib/core/types.ts';
import type { SendHttp } from '../../lib/ports.ts';
import { refreshOnDemand } from '../../lib/refresh/demand.ts';
import { type SweepDeps, sweep } from '../../lib/refresh/sweep.ts';
import { backUp, type Table } from '../kit/backup.ts';
import { testClock } from '../kit/clock.ts';
import { discoverNow } from '../kit/discover.ts';
import { emptyTables, type MemoryTables, memoryStores, type Stores } from '../kit/memory.ts';
import { idOf } from '../kit/records.ts';
import { lostAnswer, testProvider } from '../kit/vendor.ts';
import { PREFIX, workerOf } from '../kit/worker.ts';
import type { Actor, Fate } from './actor.ts';
import { isGrant, RotatingProvider } from './rotating-provider.ts';

const FOREVER = epochMs(8e15);

const url = 'https://login.test/revoke';
const provider: Provider = testProvider({
  revoke: (_, token) => ({ method: 'POST', url, headers: {}, body: JSON.stringify({ revoke: token }) }),
});

/** The only copy of access may be replayed if the published token has no more time left than this. */
const NEAR_ITS_END = minutes(10);

/** Stores, a provider, a clock, and the invariants. */
export class Stage {
  readonly clock = testClock();
  readonly tables: MemoryTables = emptyTables();
  readonly stores: Stores = memoryStores({}, this.tables);
  readonly vendor = new RotatingProvider(this.clock.now);
  readonly policy = defaultPolicy;
  readonly log: string[] = [];
  readonly violations = new Set<string>();
  /**
   * The product cannot prevent this loss of the only copy of access: a process was cut off between the grant that spent
   * it and the write that stores the next one, its answer was lost, or its table was.
   */
  lostByNature = false;
  readonly #published = new Map<ConnectionId, number>();
  readonly #unkept = new Set<Actor>();
  #shards = new Set<number>();
  #claims = 0;

  violated(what: string): void {
    this.violations.add(what);
  }

  /** The connections of a run. Lists of other shards are empty: it does not matter when they are read. */
  concerns(connections: readonly ConnectionId[]): void {
    this.#shards = new Set(connections.map(shardOf));
  }

  put(name: string, secret: unknown): Promise<void> {
    return this.stores.secrets.put(`${PREFIX}test-provider/${name}`, JSON.stringify(secret));
  }
  remove(name: string): Promise<void> {
    return this.stores.secrets.delete(`${PREFIX}test-provider/${name}`);
  }
  async hasSecret(name: string): Promise<boolean> {
    return (await this.stores.secrets.get(`${PREFIX}test-provider/${name}`)) !== undefined;
  }
  restore(name: string): Promise<void> {
    return this.stores.secrets.restore(`${PREFIX}test-provider/${name}`);
  }
  erase(name: string): Promise<void> {
    return this.stores.secrets.erase(`${PREFIX}test-provider/${name}`);
  }

  /** A copy of a table. Calling it restores the table. */
  backUp(table: Table): () => void {
    const bringBack = backUp(this.tables, table);
    return () => {
      bringBack();
      if (table === 'tokens') this.#published.clear();
    };
  }

  /** A person restores the table of tokens to a state before all tokens. */
  emptyTokens(): void {
    this.tables.tokens.clear();
    this.#published.clear();
  }

  /** A person deletes the record of a connection. */
  deleteRecord(connection: ConnectionId): void {
    this.tables.records.delete(connection);
    this.tables.claims.delete(connection);
    for (const ids of this.tables.ids.values()) ids.delete(connection);
  }

  async tick(actor?: Actor): Promise<void> {
    await sweep(this.#worker(actor), provider, this.#shards.size > 0 ? [...this.#shards] : allShards, FOREVER);
  }

  async discover(actor?: Actor): Promise<void> {
    const { tokens, connections, secrets } = this.#storesOf(actor);
    await discoverNow({
      ...{ clock: this.clock, tokens, connections, secrets, providers: [provider], prefix: PREFIX },
      connectionsPerSecret: CONNECTIONS_PER_SECRET,
    });
  }

  /** A consumer reads a token. Returns the HTTP status. */
  async read(connection: ConnectionId): Promise<number> {
    const { clock, stores } = this;
    const { tokens, connections } = stores;
    const deps: ApiDeps = {
      ...{ clock, tokens, connections, providers: new Map([[provider.id, this.policy]]) },
      refresh: request => refreshOnDemand(this.#worker(undefined), provider, request),
      refreshFailed: error => this.violated(`the API could not request: ${error}`),
    };
    const { status, body } = await serve(deps, { method: 'GET', path: `/tokens/${connection}`, query: {} });
    if (status === 200 && !this.lostByNature && !this.vendor.accepts(JSON.parse(body).accessToken)) {
      this.violated(`${connection}: a reader gets a token that the provider does not accept`);
    }
    return status;
  }

  kill(actor: Actor): void {
    if (this.#unkept.has(actor)) this.lostByNature = true;
    actor.kill();
  }

  /** Freezes the process until its lease is over. The others wait for it only while there is a token to serve. */
  freeze(actor: Actor): void {
    const served = [...this.tables.tokens.values()].some(({ accessToken }) => this.vendor.accepts(accessToken));
    if (!served && (this.#unkept.has(actor) || actor.next === 'send')) this.lostByNature = true;
    this.log.push('  a lease passes');
    this.clock.pass(this.policy.lease + minutes(1));
  }

  /** Ends the next operation of an actor with this fate. */
  async step(actor: Actor, fate: Fate): Promise<() => Promise<void>> {
    const deliver = await actor.step(fate);
    if (fate === 'lost' && this.#grantedLast === actor) this.lostByNature = true;
    return deliver;
  }

  #grantedLast: Actor | undefined;

  #storesOf(actor: Actor | undefined): Pick<Stores, 'tokens' | 'connections' | 'sessions' | 'logins' | 'secrets'> {
    const watched = this.#watched(actor);
    if (!actor) return watched;
    const { tokens, connections, sessions, logins, secrets } = watched;
    const elsewhere = (method: string, [, shard]: readonly unknown[]) =>
      method === 'list' && !this.#shards.has(shard as number);
    const never = () => false;
    return {
      tokens: actor.through('tokens', tokens, never),
      connections: actor.through('connections', connections, elsewhere),
      sessions: actor.through('sessions', sessions, never),
      logins: actor.through('logins', logins, never),
      secrets: actor.through('secrets', secrets, never),
    };
  }

  #watched(actor: Actor | undefined): Stores {
    const { tokens, sessions } = this.stores;
    return {
      ...this.stores,
      tokens: {
        ...tokens,
        publish: async token => {
          const published = await tokens.publish(token);
          if (published) this.#hasPublished(token);
          return published;
        },
      },
      sessions: {
        ...sessions,
        keep: async (connection, mine, session) => {
          const kept = await sessions.keep(connection, mine, session);
          if (actor) this.#unkept.delete(actor);
          this.#grantedLast = undefined;
          return kept;
        },
      },
    };
  }

  #hasPublished({ connection, version, accessToken }: Token): void {
    const before = this.#published.get(connection) ?? 0;
    if (version < before) this.violated(`${connection}: version ${before} gives way to ${version}`);
    this.#published.set(connection, version);
    this.log.push(`  published ${accessToken}, version ${version}`);
  }

  #worker(actor: Actor | undefined): SweepDeps {
    const { clock, policy } = this;
    const { tokens, connections, sessions, logins, secrets } = this.#storesOf(actor);
    const claimId = () => `claim-${++this.#claims}`;
    const send = async (request: Parameters<SendHttp>[0]): Promise<HttpReply> => {
      const replays = this.vendor.replays.length;
      const reply = this.vendor.handle(request);
      this.log.push(`  ${request.body} ${reply.kind === 'answer' ? reply.status : ''}`);
      if (this.vendor.replays.length > replays) await this.#replayed();
      this.#grantedLast = isGrant(reply) ? actor : undefined;
      if (actor && isGrant(reply)) this.#unkept.add(actor);
      return reply;
    };
    const noAnswer = (fate: Exclude<Fate, 'done'>): HttpReply =>
      fate === 'lost' ? lostAnswer : { kind: 'failed', code: 'network', sent: false };
    return workerOf({
      ...{ clock, policy, tokens, connections, sessions, logins, secrets, limits: this.stores.limits, claimId },
      random: () => 0.5,
      send: request => (actor ? actor.operation('send', () => send(request), noAnswer) : send(request)),
      observer: {
        refresh: ({ connection, bug }) => bug && this.violated(`${connection}: a bug: ${bug.join(' ')}`),
        unclaimed: (connection, code) => code === 'internal_error' && this.violated(`${connection}: ${code}`),
      },
    });
  }

  /** Never, if the credentials can log in. Otherwise not while the published token is valid for some time. */
  async #replayed(): Promise<void> {
    const replay = this.vendor.replays.at(-1);
    this.log.push(`  a replay (${replay?.from})`);
    if (replay?.from === 'login') return this.violated('a refresh token is redeemed twice although there is a login');
    if (this.lostByNature) return;
    const until = [...this.tables.tokens.values()].map(({ expiresAt }) => expiresAt);
    if (Math.max(...until, 0) > this.clock.now() + NEAR_ITS_END) {
      this.violated('the only copy of access is redeemed twice although the published token is good for a while');
    }
  }

  /** A minute at a time: discovery, the schedule, and a reader of each connection. */
  async calm(rounds: number, connections: readonly ConnectionId[], every = minutes(1)): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      this.clock.pass(every);
      await this.discover();
      await this.tick();
      for (const connection of connections) await this.read(connection);
    }
  }

  /**
   * The invariants of a connection whose secret exists. Meanwhile, the only copy of access may be in doubt while the
   * published token is valid, and record and token may differ after a table was restored.
   */
  async checkWell(connection: ConnectionId, meanwhile: { doubt: boolean; differ: boolean }): Promise<void> {
    const record = await this.stores.connections.get(connection);
    const token = await this.stores.tokens.get(connection);
    const inDoubt = meanwhile.doubt && record?.lastError?.code === 'session_in_doubt';
    const agree = !record || !token || inDoubt || meanwhile.differ;
    const found = [
      !record && 'there is no record',
      record && !inDoubt && record.status !== 'healthy' && `it is ${record.status} (${record.lastError?.code})`,
      record?.retiredAt !== undefined && 'it is retired',
      !token && 'there is no token',
      token && !this.vendor.accepts(token.accessToken) && 'the provider does not accept the published token',
      !agree && record.issuedAt !== token.issuedAt && 'record and token differ in issuedAt',
      !agree && record.expiresAt !== token.expiresAt && 'record and token differ in expiresAt',
      (await this.read(connection)) !== 200 && 'a reader gets no token',
    ].filter(each => typeof each === 'string');
    for (const each of found) this.violated(`${connection}: ${each}`);
  }

  /** A connection that only a person can bring back: it must be reported. */
  async checkTold(connection: ConnectionId): Promise<void> {
    const record = await this.stores.connections.get(connection);
    if (record?.status !== 'attention') this.violated(`${connection}: it is lost, and that is not reported`);
  }

  /** Whether the connection is not well, or its provider has ended its session. */
  async isLost(connection: ConnectionId): Promise<boolean> {
    const record = await this.stores.connections.get(connection);
    const token = await this.stores.tokens.get(connection);
    return record?.status !== 'healthy' || !token || !this.vendor.accepts(token.accessToken);
  }

  /** A connection whose secret has gone is left in none of these tables. */
  checkGone(connection: ConnectionId, tables: readonly ('tokens' | 'sessions' | 'records')[]): void {
    for (const table of tables) {
      if (this.tables[table].has(connection)) this.violated(`${connection}: its secret is gone, it is in the ${table}`);
    }
  }

  /** Nobody may read anything of a connection that has ended, however late a worker was. */
  checkEnded(): void {
    for (const { connection, endedAt } of this.tables.records.values()) {
      if (endedAt !== undefined) this.checkGone(connection, ['tokens', 'sessions']);
    }
  }

  /** When the first of these connections is due. */
  dueAt(connections: readonly ConnectionId[]): EpochMs {
    const due = connections.map(each => this.tables.records.get(each)?.dueAt ?? 0);
    return plus(epochMs(Math.max(0, ...due.filter(at => at < FOREVER / 10))), 1);
  }
}

export const SINGLE = idOf('acme');
export const KEYS = ['a', 'b', 'c'].map(key => idOf(`acme/${key}`));
export const FOURTH = idOf('acme/d');
