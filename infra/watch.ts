import { Duration } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { secretPrefixOf } from '../lib/core/deployment.ts';
import { WATCH_EVERY } from '../lib/core/policy.ts';
import type { AlarmTopic } from './alarm-topic.ts';
import { bundledFunction, type FunctionContext } from './function.ts';
import type { ProviderPlan } from './options.ts';
import type { Schedules } from './schedules.ts';
import { allow, allowListSecrets, allowSecrets, items, shardsOf, tableKey } from './statements.ts';
import type { Storage } from './storage.ts';

export interface WatchProps extends FunctionContext {
  /** The deployment's name. */
  readonly name: string;
  readonly plans: readonly ProviderPlan[];
  readonly storage: Storage;
  readonly schedules: Schedules;
  readonly eventBus: IEventBus;
  readonly alarmTopic: AlarmTopic;
  /** The full URL of the runbook. */
  readonly runbook: string;
  readonly secretsKeyArns: readonly string[];
  readonly connectionsPerSecret: number;
}

/** The function that makes the connections match the secrets, and judges the health of all of them. */
export class Watch extends Construct {
  readonly fn: IFunction;

  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id);
    const { name, plans, storage, schedules, eventBus, alarmTopic, logRetention, deadLetters } = props;
    const { tokens, connections, key } = storage;
    const providers = plans.map(({ provider }) => provider.id);
    const { fn, role } = bundledFunction(this, 'Watch', {
      source: 'watch',
      description: 'Discovers connections and judges their health',
      environment: {
        TOKENS_TABLE: tokens.tableName,
        CONNECTIONS_TABLE: connections.tableName,
        EVENT_BUS: eventBus.eventBusArn,
        ALARM_TOPIC: alarmTopic.topic.topicArn,
        DEPLOYMENT: name,
        PACES: JSON.stringify(
          Object.fromEntries(
            plans.map(({ provider, pace }) => [provider.id, { ...pace, lifetime: provider.lifetime }]),
          ),
        ),
        RUNBOOK: props.runbook,
        CONNECTIONS_PER_SECRET: String(props.connectionsPerSecret),
      },
      // The first run with ten thousand secrets takes minutes; later runs read only what changed.
      timeout: Duration.minutes(5),
      logRetention,
      deadLetters,
    });
    this.fn = fn;
    allowListSecrets(role);
    allowSecrets(role, { prefix: secretPrefixOf(name), providers, keyArns: props.secretsKeyArns });
    const changes = ['Query', 'PutItem', 'UpdateItem', 'DeleteItem'] as const;
    role.addToPrincipalPolicy(items(connections.tableArn, changes, shardsOf(providers)));
    const withdrawn = { like: providers.map(provider => `${provider}/*`) };
    role.addToPrincipalPolicy(items(tokens.tableArn, ['DeleteItem'], withdrawn));
    role.addToPrincipalPolicy(tableKey(this, key.keyArn));
    role.addToPrincipalPolicy(allow('events:PutEvents', eventBus.eventBusArn));
    alarmTopic.grantPublish(role);
    schedules.add('watch', { fn, tick: Duration.millis(WATCH_EVERY), inputs: [{}] });
  }
}
