import assert from 'node:assert/strict';
import { type DeployedFunction, invoke, type Ran } from './bundle.ts';
import type { LocalAws } from './emulator.ts';

/** What is deployed, as far as the cycle runs it. */
export interface Deployed {
  readonly discover: DeployedFunction;
  readonly api: DeployedFunction;
  readonly consumer: DeployedFunction;
  readonly refreshers: ReadonlyMap<string, DeployedFunction>;
  /** The event of each schedule, by what it is for. */
  readonly inputs: ReadonlyMap<string, unknown>;
  readonly aws: LocalAws;
}

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Calls of deployed functions, as the services in front of them make them; keeps what was logged. */
export class Calls {
  readonly #deployed: Deployed;
  readonly #environment: Readonly<Record<string, string>>;
  readonly logs: unknown[] = [];

  constructor(deployed: Deployed, environment: Readonly<Record<string, string>>) {
    this.#deployed = deployed;
    this.#environment = environment;
  }

  refresher(provider: string): DeployedFunction {
    const fn = this.#deployed.refreshers.get(provider);
    assert.ok(fn, `there is no refresher of ${provider}`);
    return fn;
  }

  /** As EventBridge Scheduler: with the event that the deployed schedule holds. */
  tick(schedule: string, fn: DeployedFunction): Promise<Ran> {
    assert.ok(this.#deployed.inputs.has(schedule), `there is no schedule ${schedule}`);
    return this.run(fn, this.#deployed.inputs.get(schedule));
  }

  /** As API Gateway: with an event of payload format 2.0. */
  async api(method: string, rawPath: string, queryStringParameters?: Record<string, string>): Promise<Answer> {
    const requestContext = { http: { method, path: rawPath } };
    const { result } = await this.run(this.#deployed.api, {
      version: '2.0',
      rawPath,
      queryStringParameters,
      requestContext,
    });
    const { statusCode, headers, body } = result as {
      statusCode: number;
      headers: Record<string, string>;
      body: string;
    };
    return { statusCode, headers, json: JSON.parse(body) };
  }

  async run(fn: DeployedFunction, event: unknown): Promise<Ran> {
    const ran = await invoke(fn, event, this.#environment);
    this.logs.push(...ran.log);
    return ran;
  }
}
