import { discoverHandler } from '../../functions/discover/handler.ts';
import { refreshHandler } from '../../functions/refresh/handler.ts';
import type { MetricRef } from '../../infra/alarms.ts';
import type { HttpAnswer } from '../../lib/api/problem.ts';
import { serve } from '../../lib/api/serve.ts';
import type { Policy } from '../../lib/core/policy.ts';
import type { Provider } from '../../lib/core/provider.ts';
import { allShards } from '../../lib/core/shard.ts';
import { type ConnectionId, type Milliseconds, minutes, providerOf } from '../../lib/core/types.ts';
import {
  measureDiscovery,
  measureRefresh,
  measureSweep,
  measureUnclaimed,
  type Sample,
} from '../../lib/observe/measure.ts';
import { dimensionsOf, NAMESPACE } from '../../lib/observe/metrics.ts';
import { logObserver } from '../../lib/observe/powertools.ts';
import { CredentialCache } from '../../lib/shell/credentials.ts';
import type { Answer, Ask } from '../../lib/shell/demand.ts';
import type { Observer } from '../../lib/shell/sweep.ts';
import { type Transition, transitionOf } from '../../lib/shell/transition.ts';
import type { Stores } from '../support/memory.ts';
import type { Measurements } from './cloudwatch.ts';
import type { Faults } from './faults.ts';
import type { Loop } from './loop.ts';
import type { Network } from './network.ts';
import { Process } from './process.ts';
import type { Random } from './random.ts';

export interface CloudParts {
  readonly loop: Loop;
  readonly faults: Faults;
  readonly random: Random;
  readonly stores: Stores;
  readonly network: Network;
  readonly providers: readonly Provider[];
  readonly policy: Policy;
  readonly data: Measurements;
  readonly maxSkew: Milliseconds;
  /** Every line, metric and event. */
  readonly said: (line: string) => void;
  readonly changed: (transition: Transition) => void;
}

const LAMBDA_TIMEOUT = minutes(3);
const WARM = 0.9;

interface Environment<H> {
  readonly process: Process;
  readonly run: H;
  busy: boolean;
}

/** The account: functions that are invoked in environments which stay warm, die, freeze, and have clocks of their own. */
export class Cloud {
  readonly #parts: CloudParts;
  readonly #pools = new Map<string, Environment<unknown>[]>();
  #claims = 0;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  #process(): Process {
    const { loop, faults, random, maxSkew } = this.#parts;
    return new Process(loop, faults, random.between(-maxSkew, maxSkew));
  }

  /** Runs in a warm environment or a new one; nothing where it was killed on the way. */
  async #invoke<H, R>(
    name: string,
    fresh: (process: Process) => H,
    use: (run: H, process: Process) => Promise<R>,
  ): Promise<R | 'killed'> {
    const pool = (this.#pools.get(name) ?? []) as Environment<H>[];
    const idle = pool.filter(each => !each.busy && !each.process.dead);
    let environment = idle[0];
    if (!environment || !this.#parts.random.chance(WARM)) {
      const process = this.#process();
      environment = { process, run: fresh(process), busy: false };
      idle.push(environment);
    }
    this.#pools.set(name, [...pool.filter(each => each.busy && !each.process.dead), ...idle.slice(-3)]);
    environment.busy = true;
    const { process } = environment;
    this.#parts.loop.after(LAMBDA_TIMEOUT, () => {
      // A function that is still at it when its time is up is killed where it stands.
      if (running) process.kill();
    });
    let running = true;
    try {
      return await Promise.race([use(environment.run, process), process.death.then(() => 'killed' as const)]);
    } catch (error) {
      this.#parts.said(`unhandled: ${error instanceof Error ? error.name : typeof error}`);
      this.#errors(name);
      return 'killed';
    } finally {
      running = false;
      environment.busy = false;
      if (process.dead) this.#errors(name);
    }
  }

  #errors(name: string): void {
    const { data, loop } = this.#parts;
    data.put({ namespace: 'AWS/Lambda', name: 'Errors', dimensions: { FunctionName: name } }, loop.now, 1);
  }

  /** What a function measures and says goes out when its invocation ends: one that is killed says nothing. */
  #observer(provider: string): Observer & { flush(): void } {
    const { data, loop, said, changed } = this.#parts;
    const samples: Sample[] = [];
    const transitions: Transition[] = [];
    const log = logObserver({
      info: (message, extra) => said(`${message} ${JSON.stringify(extra)}`),
      warn: (message, extra) => said(`${message} ${JSON.stringify(extra)}`),
      error: (message, extra) => said(`${message} ${JSON.stringify(extra)}`),
    });
    return {
      refresh: report => {
        samples.push(...measureRefresh(report));
        log.refresh(report);
        const transition = transitionOf(report, loop.now);
        if (transition) transitions.push(transition);
      },
      unclaimed: (connection, code) => {
        samples.push(...measureUnclaimed());
        log.unclaimed(connection, code);
      },
      sweep: report => {
        samples.push(...measureSweep(report));
        log.sweep(report);
      },
      flush: () => {
        for (const { name, value } of samples.splice(0)) data.put(metric(name, provider), loop.now, value);
        for (const transition of transitions.splice(0)) {
          said(JSON.stringify(transition));
          changed(transition);
        }
      },
    };
  }

  #refresher(provider: Provider, process: Process) {
    const { stores, network, policy, random } = this.#parts;
    const observer = this.#observer(provider.id);
    const deps = {
      ...this.#reach(process),
      budgets: process.through('budget', stores.budget),
      credentials: new CredentialCache(process.through('secrets', stores.secrets)),
      send: network.sender(process),
      policy,
      observer,
      random: random.next,
      claimId: () => `claim-${this.#claims++}`,
    };
    return { handle: refreshHandler(deps, provider), observer };
  }

  #reach(process: Process) {
    const { stores } = this.#parts;
    return {
      clock: process.clock,
      tokens: process.through('tokens', stores.tokens),
      connections: process.through('connections', stores.connections),
    };
  }

  /** One invocation of a provider's refresh function. */
  async refresh(provider: Provider, event: object): Promise<unknown> {
    const startedAt = this.#parts.loop.now;
    const invocation = {
      getRemainingTimeInMillis: () => LAMBDA_TIMEOUT - (this.#parts.loop.now - startedAt),
    };
    return this.#invoke(
      `refresh-${provider.id}`,
      process => this.#refresher(provider, process),
      async ({ handle, observer }) => {
        try {
          return await handle(event, invocation);
        } finally {
          observer.flush();
        }
      },
    );
  }

  tick(provider: Provider): Promise<unknown> {
    return this.refresh(provider, { shards: [...allShards] });
  }

  async discover(prefix: string): Promise<void> {
    const { stores, providers, network, data, loop, said } = this.#parts;
    await this.#invoke(
      'discover',
      process =>
        discoverHandler(
          {
            ...this.#reach(process),
            secrets: process.through('secrets', stores.secrets),
            send: network.sender(process),
            providers,
            prefix,
          },
          report => {
            said(JSON.stringify(report));
            for (const { name, value } of measureDiscovery(report)) data.put(metric(name), loop.now, value);
          },
        ),
      run => run(),
    );
  }

  /** One request to the API, or nothing where its function was killed. */
  async request(
    method: 'GET' | 'POST',
    path: string,
    query: Readonly<Record<string, string>>,
  ): Promise<{ readonly answer: HttpAnswer; readonly at: Process } | undefined> {
    const { providers, said } = this.#parts;
    const served = await this.#invoke(
      'api',
      process => ({
        ...this.#reach(process),
        providers: providers.map(({ id }) => id),
        ask: (ask: Ask) => this.#ask(ask, process),
        askFailed: () => said('ask failed'),
      }),
      async (deps, process) => ({ answer: await serve(deps, { method, path, query }), at: process }),
    );
    return served === 'killed' ? undefined : served;
  }

  async #ask(ask: Ask, process: Process): Promise<Answer> {
    const provider = this.#parts.providers.find(each => each.id === providerOf(ask.connection));
    if (!provider) return { result: 'unknown' };
    const answer = await this.refresh(provider, { ask });
    if (process.dead) return new Promise(() => {});
    if (answer === 'killed' || answer === undefined) throw new Error('the refresh function failed');
    return answer as Answer;
  }
}

const metrics = new Map<string, MetricRef>();
const metric = (name: string, provider?: string): MetricRef => {
  const key = `${name} ${provider}`;
  const known = metrics.get(key) ?? { namespace: NAMESPACE, name, dimensions: dimensionsOf(provider) };
  metrics.set(key, known);
  return known;
};

export const pathOf = (connection: ConnectionId): string => `/tokens/${connection}`;
