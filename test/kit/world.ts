import { defaultPolicy, type Policy } from '../../lib/core/policy.ts';
import type { HttpReply, HttpRequest, Provider, RateLimit } from '../../lib/core/provider.ts';
import { CONNECTIONS_PER_SECRET } from '../../lib/core/secret.ts';
import { allShards } from '../../lib/core/shard.ts';
import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  epochMs,
  type Milliseconds,
  minutes,
  type Token,
} from '../../lib/core/types.ts';
import type { DiscoverReport } from '../../lib/discovery/discover.ts';
import { type RefreshAnswer, type RefreshRequest, refreshOnDemand } from '../../lib/refresh/demand.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import { refreshConnection } from '../../lib/refresh/refresh.ts';
import type { RefreshReport } from '../../lib/refresh/report.ts';
import { type SweepDeps, type SweepReport, sweep } from '../../lib/refresh/sweep.ts';
import { testClock } from './clock.ts';
import { discoverNow } from './discover.ts';
import { type Hooks, memoryStores, type Stores } from './memory.ts';
import { START } from './records.ts';
import { seeded } from './seeded.ts';
import { PREFIX, workerOf } from './worker.ts';

export { PREFIX };

export const FOREVER: EpochMs = epochMs(START + 1e12);

type Handle = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

/** Providers, stores, a clock and any number of workers, all in this process and deterministic for a seed. */
export class World {
  readonly clock = testClock();
  /** Read on every operation: a test can set them late. */
  readonly hooks: Hooks;
  readonly stores: Stores;
  readonly providers: readonly Provider[];
  readonly policy: Policy;
  /** Every store operation and every provider call, in order. */
  readonly log: string[] = [];
  readonly calls: HttpRequest[] = [];
  readonly reports: RefreshReport[] = [];
  readonly sweeps: SweepReport[] = [];
  readonly outOfTime: number[] = [];
  readonly unclaimed: string[] = [];
  readonly retired: string[] = [];
  /** How long each provider call may take. */
  readonly deadlines: Milliseconds[] = [];
  /** The provider behind `send`. */
  vendor: Handle;
  readonly #random: () => number;
  #claims = 0;

  constructor(
    providers: readonly Provider[],
    vendor: Handle,
    options: { seed?: number; policy?: Partial<Policy>; random?: () => number; hooks?: Hooks } = {},
  ) {
    this.providers = providers;
    this.hooks = options.hooks ?? {};
    this.vendor = vendor;
    this.policy = { ...defaultPolicy, ...options.policy };
    this.#random = options.random ?? seeded(options.seed ?? 1);
    this.stores = memoryStores({
      before: async operation => {
        this.log.push(operation);
        await this.hooks.before?.(operation);
      },
      after: async operation => {
        await this.hooks.after?.(operation);
      },
    });
  }

  /** A new process: it shares the stores with the others, but no memory. */
  worker(): SweepDeps {
    const { clock, stores, policy } = this;
    return workerOf({
      ...{ ...stores, clock, policy, random: this.#random, claimId: () => `claim-${++this.#claims}` },
      send: async (request, deadline) => {
        await this.hooks.before?.('send');
        this.log.push('send');
        this.calls.push(request);
        this.deadlines.push(deadline);
        const reply = await this.vendor(request);
        await this.hooks.after?.('send');
        return reply;
      },
      observer: {
        refresh: report => void this.reports.push(report),
        unclaimed: (connection, code) => void this.unclaimed.push(`${connection} ${code}`),
        retired: (connection, result) => void this.retired.push(`${connection} ${result}`),
        outOfTime: left => void this.outOfTime.push(left),
        sweep: report => void this.sweeps.push(report),
      },
    });
  }

  /** Another process uses calls of the provider's rate limit. */
  async useLimit(limit: RateLimit, calls: number): Promise<void> {
    const limiter = leasingRateLimiter(this.stores.limits, this.clock);
    for (let n = 0; n < calls; n += 1) {
      await limiter.reserve('test-provider', limit, { lane: 'scheduled', until: this.clock.now() });
    }
  }

  providerOf(id: string): Provider {
    const found = this.providers.find(provider => id === provider.id || id.startsWith(`${provider.id}/`));
    if (!found) throw new Error(`no provider of ${id}`);
    return found;
  }

  put(name: string, secret: unknown): Promise<void> {
    return this.stores.secrets.put(`${PREFIX}${name}`, typeof secret === 'string' ? secret : JSON.stringify(secret));
  }
  discover(): Promise<DiscoverReport> {
    const { clock, providers, stores } = this;
    return discoverNow({ clock, providers, prefix: PREFIX, connectionsPerSecret: CONNECTIONS_PER_SECRET, ...stores });
  }
  /** A secret that holds one connection. */
  async add(id: ConnectionId, secret: unknown): Promise<ConnectionId> {
    await this.edit(id, secret);
    return id;
  }
  /** Writes a secret, and discovers the change. */
  async edit(name: string, secret: unknown): Promise<DiscoverReport> {
    await this.put(name, secret);
    return this.discover();
  }
  /** Deletes a secret, which can be restored, and discovers that it is gone. */
  async deleteSecret(name: string): Promise<DiscoverReport> {
    await this.stores.secrets.delete(`${PREFIX}${name}`);
    return this.discover();
  }
  async restoreSecret(name: string): Promise<DiscoverReport> {
    await this.stores.secrets.restore(`${PREFIX}${name}`);
    return this.discover();
  }

  async record(id: ConnectionId): Promise<Connection> {
    const record = await this.stores.connections.get(id);
    if (!record) throw new Error(`no record of ${id}`);
    return record;
  }
  /** The stored refresh token. */
  async refreshToken(id: ConnectionId): Promise<string | undefined> {
    return (await this.stores.sessions.get(id))?.session?.refreshToken;
  }
  async token(id: ConnectionId): Promise<Token> {
    const token = await this.stores.tokens.get(id);
    if (!token) throw new Error(`no token of ${id}`);
    return token;
  }

  /** One refresh as a schedule would do it, even if it is not due. */
  async refresh(id: ConnectionId, deps: SweepDeps = this.worker(), forced = false): Promise<RefreshReport> {
    const report = await refreshConnection(
      deps,
      this.providerOf(id),
      await this.record(id),
      forced ? 'forced' : 'scheduled',
    );
    this.reports.push(report);
    return report;
  }
  onDemand(request: RefreshRequest, deps: SweepDeps = this.worker()): Promise<RefreshAnswer> {
    return refreshOnDemand(deps, this.providerOf(request.connection), request);
  }
  tick(provider: string, deps: SweepDeps = this.worker(), until: EpochMs = FOREVER): Promise<SweepReport> {
    return sweep(deps, this.providerOf(provider), allShards, until);
  }
  /** Ticks until `duration` has passed; returns the number of provider calls. */
  async run(provider: string, duration: Milliseconds, every: Milliseconds): Promise<number> {
    const before = this.calls.length;
    const end = this.clock.now() + duration;
    const deps = this.worker();
    while (this.clock.now() < end) {
      this.clock.pass(every);
      await this.tick(provider, deps);
    }
    return this.calls.length - before;
  }
  /** Discovery and a tick of every provider, and a minute passes. */
  async minutes(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      await this.discover();
      for (const { id } of this.providers) await this.tick(id);
      this.clock.pass(minutes(1));
    }
  }
}
