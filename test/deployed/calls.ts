import assert from 'node:assert/strict';
import { type DeployedFunction, invoke, type Ran } from './bundle.ts';
import type { DeployedSchedule } from './deployment.ts';
import type { LocalAws } from './emulator.ts';
import type { Judge } from './judge.ts';
import { accessKeyOf } from './proxy.ts';
import { credentialsOf, send } from './wire.ts';

/** The deployed parts that the cycle runs. */
export interface Deployed {
  readonly watch: DeployedFunction;
  readonly api: DeployedFunction;
  readonly consumer: DeployedFunction;
  readonly refreshers: ReadonlyMap<string, DeployedFunction>;
  /** The schedules by purpose. */
  readonly schedules: ReadonlyMap<string, DeployedSchedule>;
  /** Method and path of each route, in API Gateway's form. */
  readonly routes: readonly string[];
  readonly aws: LocalAws;
}

export interface ApiAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: Readonly<Record<string, unknown>>;
}

/** The account's administrator, whose calls are not checked. */
export const OPERATOR = 'operator';

/** The optional parts of a request. */
interface Sent {
  readonly query?: Record<string, string>;
  readonly body?: string;
}

/** Calls of deployed functions, in the way of the services in front of them; keeps their logs. */
export class DeployedCalls {
  readonly deployed: Deployed;
  readonly judge: Judge;
  readonly #proxy: () => string;
  readonly logs: unknown[] = [];

  constructor(deployed: Deployed, judge: Judge, proxy: () => string) {
    this.deployed = deployed;
    this.judge = judge;
    this.#proxy = proxy;
  }

  refresher(provider: string): DeployedFunction {
    const fn = this.deployed.refreshers.get(provider);
    assert.ok(fn, `there is no refresher of ${provider}`);
    return fn;
  }

  /** Like EventBridge Scheduler: with the role and the event of the deployed schedule. */
  async tick(name: string): Promise<Ran> {
    const { schedule, as, fn } = this.#scheduled(name);
    await this.#assume('scheduler.amazonaws.com', as, this.#groupArn(schedule));
    await this.judge.must({ as, does: 'lambda:Invoke', on: fn.name });
    return this.run(fn, JSON.parse(schedule.Target.Input));
  }

  /** Like EventBridge Scheduler if Lambda does not accept an event: it goes to the schedule's queue. */
  async giveUp(name: string): Promise<void> {
    const { schedule, as } = this.#scheduled(name);
    await this.#letter(as, schedule.Target.DeadLetterConfig.Arn, schedule.Target.Input);
  }

  /** Like Lambda with an asynchronous event that keeps failing: it goes to the function's destination. */
  async fail(fn: DeployedFunction): Promise<void> {
    const known = this.judge.evaluator.account.functions.get(fn.name);
    assert.ok(known?.onFailure, `${fn.name} has no destination for failed events`);
    const broken = { ...fn, environment: { ...fn.environment, TOKENS_TABLE: '' } };
    await assert.rejects(this.run(broken, {}), 'a function without its table must fail');
    await this.#letter(
      known.role,
      known.onFailure,
      JSON.stringify({ requestContext: { condition: 'RetriesExhausted' } }),
    );
  }

  /** Like API Gateway: checks the caller with IAM, and invokes the function with an event of payload format 2.0. */
  async api(as: string, method: string, rawPath: string, { query, body }: Sent = {}): Promise<ApiAnswer> {
    if (as !== OPERATOR) await this.judge.must({ as, does: `execute-api:${method}`, on: rawPath });
    const from = this.#routeArn(method, rawPath);
    await this.judge.must({ as: 'apigateway.amazonaws.com', does: 'lambda:Invoke', on: 'Api/ApiFunction', from });
    const requestContext = { http: { method, path: rawPath } };
    const event = { version: '2.0', rawPath, queryStringParameters: query, requestContext, body };
    const { result } = await this.run(this.deployed.api, event);
    const {
      statusCode,
      headers,
      body: text,
    } = result as {
      readonly statusCode: number;
      readonly headers: Record<string, string>;
      readonly body: string;
    };
    return { statusCode, headers, json: JSON.parse(text) };
  }

  /** Runs a function with the credentials of its role, which Lambda assumes, and which it uses to write the log. */
  async run(fn: DeployedFunction, event: unknown): Promise<Ran> {
    const known = this.judge.evaluator.account.functions.get(fn.name);
    assert.ok(known, `${fn.name} is in no template`);
    await this.#assume('lambda.amazonaws.com', known.role);
    for (const does of ['logs:CreateLogStream', 'logs:PutLogEvents']) {
      await this.judge.must({ as: known.role, does, on: known.logs });
    }
    const { accessKeyId, secretAccessKey, sessionToken } = credentialsOf(known.role);
    const ran = await invoke(fn, event, {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_REGION: this.judge.evaluator.account.place.region,
      AWS_ENDPOINT_URL: this.#proxy(),
    });
    this.logs.push(...ran.log);
    return ran;
  }

  /** Runs a function by its name, for callers of Lambda's API. */
  async runNamed(name: string, event: unknown): Promise<unknown> {
    const fn = [...this.deployed.refreshers.values()].find(each => each.name === name);
    assert.ok(fn, `${name} is not to be invoked by the API`);
    return (await this.run(fn, event)).result;
  }

  #scheduled(name: string) {
    const schedule = this.deployed.schedules.get(name);
    assert.ok(schedule, `there is no schedule ${name}`);
    const { watch, refreshers } = this.deployed;
    const fn = [watch, ...refreshers.values()].find(each => schedule.Target.Arn.endsWith(`:${each.name}`));
    assert.ok(fn, `the schedule ${name} invokes none of the functions`);
    const role = [...this.judge.evaluator.account.roles.values()].find(({ arn }) => arn === schedule.Target.RoleArn);
    assert.ok(role, `the schedule ${name} has no role of the template`);
    return { schedule, fn, as: role.label };
  }

  #assume(as: string, on: string, from?: string): Promise<void> {
    return this.judge.must({ as, does: 'sts:AssumeRole', on, ...(from !== undefined && { from }) });
  }

  #groupArn({ GroupName }: DeployedSchedule): string {
    const { partition, region, account } = this.judge.evaluator.account.place;
    return `arn:${partition}:scheduler:${region}:${account}:schedule-group/${GroupName}`;
  }

  /** The route of a request, in the form of the function's permission. */
  #routeArn(method: string, path: string): string {
    const { account } = this.judge.evaluator;
    const route = this.deployed.routes.find(each =>
      new RegExp(`^${each.replace(/\{\w+\}/g, '[^/]+')}$`).test(`${method} ${path}`),
    );
    const { partition, region, account: id } = account.place;
    const api = `arn:${partition}:execute-api:${region}:${id}:${account.physicalAt('Api/HttpApi')}`;
    return `${api}/$default/${(route ?? `${method} /$default`).replace(' ', '')}`;
  }

  async #letter(as: string, queueArn: string, MessageBody: string): Promise<void> {
    const { account } = this.judge.evaluator;
    assert.equal(queueArn, account.arnAt('DeadLetters'));
    const QueueUrl = account.physicalAt('DeadLetters');
    const { status } = await send(this.#proxy(), accessKeyOf(as), 'sqs:SendMessage', { QueueUrl, MessageBody });
    assert.equal(status, 200, `${as} sends no dead letter`);
  }
}
