import { Duration, Names, Stack, Validations } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { DEFAULT_NAME } from '../lib/core/deployment.ts';
import { AlarmTopic } from './alarm-topic.ts';
import { Api } from './api.ts';
import { type ITokenRefresher, TokenRefresherBase } from './base.ts';
import { exportedBy, ImportedTokenRefresher, type TokenRefresherAttributes } from './imported.ts';
import { Monitoring } from './monitoring.ts';
import { Network } from './network.ts';
import { mustBe } from './options.ts';
import { settled, type TokenRefresherProps } from './props.ts';
import { Refreshers } from './refreshers.ts';
import { Schedules } from './schedules.ts';
import { Storage } from './storage.ts';
import { Watch } from './watch.ts';

export type { ConnectionEventType } from '../lib/events.ts';
export { type MetricName, metrics } from '../lib/observe/metrics.ts';
export {
  type ITokenRefresher,
  type ListConnections,
  type OnConnectionEventOptions,
  TokenRefresherBase,
} from './base.ts';
export type { ConsumerVariable } from './consumer-environment.ts';
export type { TokenRefresherAttributes } from './imported.ts';
export { type ProviderDefinition, type ProviderOptions, providerFromFile, SettingsError } from './options.ts';
export type { TokenRefresherProps } from './props.ts';

/**
 * Keeps access tokens valid. A connection is a secret named `<name>/<provider>/…`; a function with a grant reads its
 * current token.
 *
 * ```ts
 * const tokens = new TokenRefresher(this, 'Tokens', { alarmEmail: 'ops@example.com' });
 * tokens.grantRead(myFunction, 'poweroffice-v2/acme');
 * ```
 */
export class TokenRefresher extends TokenRefresherBase {
  /** The name of the deployment: `token-refresher`. */
  readonly deploymentName: string;
  /** Current tokens. Prefer `grantRead` to the grants of the table, which cover all tokens. */
  readonly tokensTable: ITable;
  /** The state of all connections, and their refresh tokens. Its format may change with each version. */
  readonly connectionsTable: ITable;
  /** Encrypts the tables. */
  readonly encryptionKey: IKey;
  /** Publishes state changes of connections. */
  readonly eventBus: IEventBus;
  /** The topic for alarms and the mails of the watch. */
  readonly alarmTopic: ITopic;
  /** Events that functions failed to handle. */
  readonly deadLetterQueue: IQueue;
  /** The functions that refresh, by provider. */
  readonly refreshFunctions: Readonly<Record<string, IFunction>>;
  /** Discovers connections and judges their health every minute. */
  readonly watchFunction: IFunction;
  /** Answers the requests to the HTTP API. */
  readonly apiFunction: IFunction;
  /** Serves tokens to callers that IAM authorizes. */
  readonly httpApi: HttpApi;
  /** The id of the HTTP API. */
  readonly apiId: string;
  /** The URL of the HTTP API. */
  readonly apiUrl: string;
  /** The ids of the deployed providers. */
  protected readonly providers: readonly string[];

  /** A token-refresher that `cdk deploy` of this package has deployed in the same account and region, by its `name`. */
  static fromStack(scope: Construct, id: string, name = DEFAULT_NAME): ITokenRefresher {
    return new ImportedTokenRefresher(scope, id, exportedBy(name));
  }

  /** A token-refresher that your own app has deployed. */
  static fromTokenRefresherAttributes(
    scope: Construct,
    id: string,
    attributes: TokenRefresherAttributes,
  ): ITokenRefresher {
    return new ImportedTokenRefresher(scope, id, attributes);
  }

  constructor(scope: Construct, id: string, props: TokenRefresherProps = {}) {
    super(scope, id);
    const settings = settled(props);
    this.#aloneInItsStack(settings.name);
    const { name, plans, runbook, logRetention, network, secretsKeyArns } = settings;
    const { removalPolicy, dashboard, connectionsPerSecret, requestsPerSecond, reservedConcurrency } = settings;
    const storage = new Storage(this, 'Storage', { name, removalPolicy, encryptionKey: props.encryptionKey });
    const deadLetters = this.#deadLetters();
    const eventBus = this.#eventBus();
    const schedules = new Schedules(this, 'Schedules', { name, deadLetters });
    const alarms = new AlarmTopic(this, 'Alarms', {
      key: storage.key,
      alarmEmail: settings.alarmEmail,
      alarmTopic: props.alarmTopic,
    });
    const common = { name, plans, storage, schedules, eventBus, secretsKeyArns, logRetention, deadLetters };
    const refreshers = new Refreshers(this, 'Refresh', {
      ...common,
      network: network && new Network(this, 'Network', network),
    }).byProvider;
    const watch = new Watch(this, 'Watch', { ...common, alarmTopic: alarms, runbook, connectionsPerSecret });
    const api = new Api(this, 'Api', {
      ...{ name, storage, refreshers, logRetention },
      ...{ requestsPerSecond, reservedConcurrency },
    });
    const { httpApi } = api;
    const monitoring = new Monitoring(this, 'Monitoring', {
      ...{ name, runbook, httpApi, deadLetters, dashboard },
      tables: storage,
      topic: alarms.topic,
      refreshLogs: [...refreshers.values()].map(({ logGroup }) => logGroup),
    });
    // Otherwise a second deployment of this name would leave tables behind and replace the alarms of the first.
    schedules.guard(storage, monitoring);

    this.deploymentName = name;
    this.tokensTable = storage.tokens;
    this.connectionsTable = storage.connections;
    this.encryptionKey = storage.key;
    this.eventBus = eventBus;
    this.alarmTopic = alarms.topic;
    this.deadLetterQueue = deadLetters;
    this.refreshFunctions = Object.fromEntries([...refreshers].map(([provider, { fn }]) => [provider, fn]));
    this.watchFunction = watch.fn;
    this.apiFunction = api.api.fn;
    this.httpApi = httpApi;
    this.apiId = httpApi.apiId;
    this.apiUrl = httpApi.apiEndpoint;
    this.providers = plans.map(({ provider }) => provider.id);
  }

  /** Fails for a second one of this name in the stack. Two in different stacks fail at deployment: see `Schedules`. */
  #aloneInItsStack(name: string): void {
    const others = Stack.of(this)
      .node.findAll()
      .filter(each => each instanceof TokenRefresher && each !== this);
    if (others.some(each => (each as TokenRefresher).deploymentName === name)) {
      throw mustBe('name', 'another one than that of the other token-refresher in this stack', name);
    }
  }

  #eventBus(): IEventBus {
    const bus = new EventBus(this, 'Events', {
      // The CDK's own name would be the same in every stack that names its construct alike.
      eventBusName: Names.uniqueResourceName(this, { separator: '-', maxLength: 200 }),
      description: 'token-refresher: state changes of connections',
    });
    // As with tables: see `Storage`.
    return bus as IEventBus;
  }

  #deadLetters(): Queue {
    const queue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'It is the dead-letter queue.' });
    return queue;
  }
}
