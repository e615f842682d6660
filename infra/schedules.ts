import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { type IRole, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  type IScheduleGroup,
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
  TimeWindow,
} from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IConstruct } from 'constructs';
import { allow } from './statements.ts';

/** The function to invoke, how often, and the event of each schedule. */
export interface Ticking {
  readonly fn: IFunction;
  readonly tick: Duration;
  readonly inputs: readonly object[];
}

/** The schedules, in their own group. */
export class Schedules extends Construct {
  readonly #group: IScheduleGroup;
  readonly #deadLetters: IQueue;

  /** The group has the deployment's name: a second deployment with this name in the account and region fails here. */
  constructor(scope: Construct, id: string, { name, deadLetters }: { name: string; deadLetters: IQueue }) {
    super(scope, id);
    this.#group = new ScheduleGroup(this, 'Group', { scheduleGroupName: name });
    // Otherwise it would be retained, and the next deployment could not use its name.
    this.#group.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.#deadLetters = deadLetters;
  }

  /** Creates these parts after the group: a second deployment with the same name fails before it creates them. */
  guard(...parts: readonly IConstruct[]): void {
    for (const part of parts) part.node.addDependency(this.#group);
  }

  /** Each target has its own role, which may invoke only that function. */
  add(name: string, { fn, tick, inputs }: Ticking): void {
    const role = this.#roleFor(name, fn);
    for (const [n, input] of inputs.entries()) {
      const numbered = inputs.length > 1 ? `${name}-${n + 1}` : name;
      const schedule = new Schedule(this, numbered, {
        description: `token-refresher: ${numbered}`,
        scheduleGroup: this.#group,
        schedule: ScheduleExpression.rate(tick),
        timeWindow: TimeWindow.off(),
        target: {
          bind: () => ({
            arn: fn.functionArn,
            role,
            input: ScheduleTargetInput.fromObject(input),
            deadLetterConfig: { arn: this.#deadLetters.queueArn },
            // A tick that is older than the next one is useless. EventBridge allows no less than a minute.
            retryPolicy: { maximumEventAgeInSeconds: tick.toSeconds(), maximumRetryAttempts: 3 },
          }),
        },
      });
      // Without the role's policy the first tick would become a dead letter.
      schedule.node.addDependency(role);
    }
  }

  #roleFor(name: string, fn: IFunction): IRole {
    const { account } = this.#group.env;
    const role = new Role(this, `${name}Role`, {
      description: `Invokes ${name} on schedule`,
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': account, 'aws:SourceArn': this.#group.scheduleGroupArn },
        },
      }),
    });
    role.addToPolicy(allow('lambda:InvokeFunction', fn.functionArn));
    role.addToPolicy(allow('sqs:SendMessage', this.#deadLetters.queueArn));
    return role;
  }
}
