import type { Context } from 'aws-lambda';
import { apiHandler } from '../../functions/api/handler.ts';
import { refreshHandler } from '../../functions/refresh/handler.ts';
import { watchHandler } from '../../functions/watch/handler.ts';
import type { MetricRef } from '../../infra/alarm-spec.ts';
import type { FunctionName } from '../../infra/staged-function.ts';
import type { Paces } from '../../lib/core/health.ts';
import type { Delivery, News } from '../../lib/core/news.ts';
import { type Policy, tickOf } from '../../lib/core/policy.ts';
import type { Provider } from '../../lib/core/provider.ts';
import { CONNECTIONS_PER_SECRET } from '../../lib/core/secret.ts';
import { allShards } from '../../lib/core/shard.ts';
import { type ConnectionId, type Milliseconds, minutes, providerOf, seconds } from '../../lib/core/types.ts';
import type { Transition } from '../../lib/events.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import { measureDiscovery, measureError, measureHealth } from '../../lib/observe/measure.ts';
import { CredentialCache } from '../../lib/refresh/credentials.ts';
import type { RefreshAnswer, RefreshRequest } from '../../lib/refresh/demand.ts';
import { Fingerprints } from '../../lib/refresh/fingerprints.ts';
import { Logins } from '../../lib/refresh/logins.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import type { Stores } from '../kit/memory.ts';
import { gatewayMetrics, throttleOf } from './aws-metrics.ts';
import type { Faults } from './faults.ts';
import type { Loop } from './loop.ts';
import type { SimulatedNetwork } from './network.ts';
import { emit, type Outlets, observerOf, wordsOf } from './observer.ts';
import { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';

export interface SimulatedCloudParts {
  readonly loop: Loop;
  readonly faults: Faults;
  readonly random: Random;
  readonly stores: Stores;
  readonly network: SimulatedNetwork;
  readonly providers: readonly Provider[];
  readonly policy: Policy;
  readonly measured: (metric: MetricRef, value: number) => void;
  readonly mailed: (news: readonly News[], how: Delivery['how']) => void;
  readonly maxSkew: Milliseconds;
  /** Every line, metric and event. */
  readonly logged: (line: string) => void;
  readonly changed: (transition: Transition) => void;
}

const PREFIX = 'token-refresher/';
/** The deployed timeouts. */
const TIMEOUT = { refresh: minutes(3), watch: minutes(5), api: seconds(29) } as const;
const WARM = 0.9;

interface Environment<H> {
  readonly process: SimulatedProcess;
  readonly run: H;
  busy: boolean;
}

/** What a reader gets: the function's answer, or the gateway’s if the function gave none. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  /** The error of the function’s clock. */
  readonly skew: Milliseconds;
  /** Whether a fault hit the function meanwhile. */
  readonly struck: boolean;
}

/** The account: functions in environments that stay warm, crash, freeze, and have their own clocks. */
export class SimulatedCloud {
  readonly #parts: SimulatedCloudParts;
  readonly #outlets: Outlets;
  readonly #pools = new Map<string, Environment<unknown>[]>();
  #claims = 0;

  constructor(parts: SimulatedCloudParts) {
    this.#parts = parts;
    this.#outlets = parts;
  }

  #process(name: FunctionName): SimulatedProcess {
    const { loop, faults, random, maxSkew, measured } = this.#parts;
    const onThrottle = (operation: string) => {
      const metric = throttleOf(operation);
      if (metric) measured(metric, 1);
    };
    return new SimulatedProcess(name, loop, faults, random.between(-maxSkew, maxSkew), onThrottle);
  }

  /** Runs in a warm or a new environment; undefined if it was killed. */
  async #invoke<H, R>(
    name: FunctionName,
    pool: string,
    fresh: (process: SimulatedProcess) => H,
    use: (run: H, process: SimulatedProcess) => Promise<R>,
  ): Promise<{ readonly answer: R | 'killed'; readonly process: SimulatedProcess; readonly struck: boolean }> {
    const { process, run, environment } = this.#environment(name, pool, fresh);
    environment.busy = true;
    const before = process.struck;
    let running = true;
    this.#parts.loop.after(TIMEOUT[name], () => {
      // A function that runs into its timeout is killed at once.
      if (running && !process.suspended) process.kill();
    });
    let answer: R | 'killed' = 'killed';
    try {
      answer = await Promise.race([use(run, process), process.death.then(() => 'killed' as const)]);
    } catch (error) {
      if (name !== 'api') emit(this.#outlets, measureError(error));
      this.#parts.logged(wordsOf(error));
    }
    running = false;
    environment.busy = false;
    return { answer, process, struck: process.struck > before };
  }

  #environment<H>(name: FunctionName, poolName: string, fresh: (process: SimulatedProcess) => H) {
    const pool = (this.#pools.get(poolName) ?? []) as Environment<H>[];
    const idle = pool.filter(each => !each.busy && !each.process.dead);
    let environment = idle[0];
    if (!environment || !this.#parts.random.chance(WARM)) {
      const process = this.#process(name);
      environment = { process, run: fresh(process), busy: false };
      idle.push(environment);
    }
    this.#pools.set(poolName, [...pool.filter(each => each.busy && !each.process.dead), ...idle.slice(-3)]);
    return { ...environment, environment };
  }

  #refresher(provider: Provider, process: SimulatedProcess) {
    const { stores, network, random } = this.#parts;
    const { observer, flush } = observerOf(this.#outlets, process.clock);
    const claimId = () => `claim-${this.#claims++}`;
    const policy = this.#policyOf(provider);
    const logins = process.through('logins', stores.logins);
    const deps = {
      ...this.#reach(process),
      limiter: leasingRateLimiter(process.through('limits', stores.limits), process.clock),
      sessions: process.through('sessions', stores.sessions),
      logins: new Logins({ clock: process.clock, store: logins, policy, tryId: claimId }),
      credentials: new CredentialCache(
        process.through('secrets', stores.secrets),
        new Fingerprints(logins, claimId),
        PREFIX,
      ),
      sign: signAssertion,
      send: network.sender(process),
      policy,
      observer,
      random: random.next,
      claimId,
    };
    return { handle: refreshHandler(deps, provider), flush };
  }

  #policyOf(provider: Provider): Policy {
    return { ...this.#parts.policy, tick: tickOf(provider) };
  }

  #reach(process: SimulatedProcess) {
    const { stores } = this.#parts;
    return {
      clock: process.clock,
      tokens: process.through('tokens', stores.tokens),
      connections: process.through('connections', stores.connections),
    };
  }

  /** One invocation of a provider's refresh function. */
  async refresh(provider: Provider, event: object): Promise<unknown> {
    const { loop } = this.#parts;
    const startedAt = loop.now;
    const invocation = { getRemainingTimeInMillis: () => TIMEOUT.refresh - (loop.now - startedAt) };
    const { answer } = await this.#invoke(
      'refresh',
      provider.id,
      process => this.#refresher(provider, process),
      async ({ handle, flush }) => {
        try {
          return await handle(event, invocation);
        } finally {
          await flush();
        }
      },
    );
    return answer;
  }

  /** One of several schedules that share the shards of a provider. */
  tick(provider: Provider, schedule: number, schedules: number): Promise<unknown> {
    return this.refresh(provider, { shards: allShards.filter(shard => shard % schedules === schedule) });
  }

  #paces(): Paces {
    return new Map(this.#parts.providers.map(each => [each.id, { ...this.#policyOf(each), lifetime: each.lifetime }]));
  }

  /** Returns `killed` if it failed. */
  async watch(): Promise<unknown> {
    const { stores, providers, logged, mailed } = this.#parts;
    const fresh = (process: SimulatedProcess) =>
      watchHandler(
        {
          ...this.#reach(process),
          secrets: process.through('secrets', stores.secrets),
          providers,
          prefix: PREFIX,
          connectionsPerSecret: CONNECTIONS_PER_SECRET,
          paces: this.#paces(),
          publish: async () => {},
          sendMail: async (news, how) => mailed(news, how),
          observer: {
            health: health => emit(this.#outlets, measureHealth(health)),
            newsFailed: error => logged(wordsOf(error)),
          },
        },
        report => {
          logged(JSON.stringify(report));
          emit(this.#outlets, measureDiscovery(report));
        },
      );
    return (await this.#invoke('watch', 'watch', fresh, run => run())).answer;
  }

  /** One request to the API. */
  async request(
    method: 'GET' | 'POST',
    path: string,
    query: Readonly<Record<string, string>>,
    sent?: object,
  ): Promise<Reply> {
    const { providers, logged, loop, measured } = this.#parts;
    const fresh = (process: SimulatedProcess) =>
      apiHandler(
        {
          ...this.#reach(process),
          providers: new Map(providers.map(each => [each.id, this.#policyOf(each)])),
          refresh: (request: RefreshRequest) => this.#refreshOne(request, process),
          refreshFailed: error => logged(wordsOf(error)),
        },
        error => logged(wordsOf(error)),
      );
    const event = {
      rawPath: path,
      queryStringParameters: { ...query },
      requestContext: { http: { method } },
      ...(sent && { body: JSON.stringify(sent) }),
    };
    const startedAt = loop.now;
    const { answer, process, struck } = await this.#invoke('api', 'api', fresh, handle =>
      Promise.resolve(handle(event, {} as Context)),
    );
    const { statusCode: status = 500, body = '' } = answer === 'killed' ? { statusCode: 503 } : answer;
    for (const [metric, value] of gatewayMetrics(status, loop.now - startedAt)) measured(metric, value);
    return { status, body, skew: process.skew, struck };
  }

  async #refreshOne(request: RefreshRequest, process: SimulatedProcess): Promise<RefreshAnswer> {
    const provider = this.#parts.providers.find(each => each.id === providerOf(request.connection));
    if (!provider) return { result: 'unknown' };
    const answer = await this.refresh(provider, { request });
    if (process.dead) return new Promise(() => {});
    if (answer === 'killed' || answer === undefined) throw new Error('the refresh function failed');
    return answer as RefreshAnswer;
  }
}

export const tokenPathOf = (connection: ConnectionId): string => `/tokens/${connection}`;
