import { randomUUID } from 'node:crypto';
import type { EpochMs } from '../../lib/core/types.ts';
import type { Clock } from '../../lib/ports.ts';
import type { Loop } from '../../test/simulation/loop.ts';
import { cpu, network } from './durations.ts';
import type { Meter } from './meter.ts';
import type { Caller } from './tables.ts';

/** One environment of a function: its calls wait for the network in parallel, and for its CPU one after another. */
export class Environment implements Caller {
  readonly principal: string;
  readonly born: EpochMs;
  readonly clock: Clock;
  busy = false;
  readonly #loop: Loop;
  readonly #meter: Meter;
  readonly #share: number;
  #cpuFree = 0;

  /** `share`: the share of a CPU. */
  constructor(principal: string, { loop, meter, share }: { loop: Loop; meter: Meter; share: number }) {
    this.principal = principal;
    this.#loop = loop;
    this.#meter = meter;
    this.#share = share;
    this.born = loop.now;
    this.clock = { now: () => loop.now, sleep: duration => loop.sleep(duration) };
  }

  /** Uses the CPU, and then waits for the network. */
  async spend(work: number, waiting: number): Promise<void> {
    const { now } = this.#loop;
    this.#cpuFree = Math.max(now, this.#cpuFree) + work / this.#share;
    await this.#loop.sleep(this.#cpuFree - now + waiting);
  }

  call(kind: 'item' | 'page', items: number): Promise<void> {
    return this.spend(kind === 'item' ? cpu.item : cpu.page + items * cpu.entry, network[kind]);
  }

  useKey(resource: string): void {
    this.#meter.useKey(resource, this.principal, this.#loop.now);
  }

  /** The context that Lambda gives a handler. */
  context(until: EpochMs) {
    return {
      functionName: this.principal,
      functionVersion: '$LATEST',
      invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${this.principal}`,
      memoryLimitInMB: '512',
      awsRequestId: randomUUID(),
      logGroupName: '',
      logStreamName: '',
      callbackWaitsForEmptyEventLoop: false,
      getRemainingTimeInMillis: () => until - this.#loop.now,
      done: () => {},
      fail: () => {},
      succeed: () => {},
    };
  }
}
