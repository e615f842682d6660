import { Duration, Names, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { DEFAULT_NAME, isDeploymentName } from '../lib/core/deployment.ts';
import { CONNECTIONS_PER_SECRET } from '../lib/core/secret.ts';
import { AlarmTopic } from './alarm-topic.ts';
import { Api, checkedRequestsPerSecond, checkedReservedConcurrency } from './api.ts';

import { ImportedTokenRefresher, type ITokenRefresher, type Parts, TokenRefresherBase } from './grants.ts';
import { Monitoring } from './monitoring.ts';
import { type ProviderOptions, plansOf, SettingsError } from './options.ts';
import { Refreshers } from './refreshers.ts';
import { Schedules } from './schedules.ts';
import { Storage } from './storage.ts';
import { Watch } from './watch.ts';

export type { ITokenRefresher } from './grants.ts';
export { type ProviderOptions, SettingsError } from './options.ts';

export interface TokenRefresherProps {
  /**
   * Tells deployments in one account and region apart: lower-case letters, digits and hyphens, up to 40. Secrets are called
   * `<name>/<provider>/…`, alarms `<name> attention` and so on. A second deployment of the same name fails to deploy.
   *
   * @default 'token-refresher'
   */
  readonly name?: string;
  /**
   * The page that alarms and mails link to. It needs the anchors of docs/runbook.md.
   *
   * @default - the runbook of this release
   */
  readonly runbookUrl?: string;
  /**
   * The providers to serve, and how: `{ officernd: {}, 'poweroffice-v2': { schedules: 4 } }`.
   *
   * @default - all of them, with the defaults of `ProviderOptions`
   */
  readonly providers?: Readonly<Record<string, ProviderOptions>>;
  /**
   * Who is told of alarms. The address gets a mail to confirm first.
   *
   * @default - nobody, unless there is an `alarmTopic`
   */
  readonly alarmEmail?: string;
  /**
   * A topic of yours that alarms go to, in place of one of our own.
   *
   * @default - a topic of our own
   */
  readonly alarmTopic?: ITopic;
  /**
   * Whether there is a dashboard. It costs $3 a month beyond the three that are free.
   *
   * @default false
   */
  readonly dashboard?: boolean;
  /**
   * How long logs are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
  /**
   * What becomes of the tables and their key when the stack is removed. With `DESTROY` the tables have no deletion
   * protection either.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Customer-managed keys that secrets are encrypted with; their policies must leave access to IAM.
   *
   * @default - secrets are encrypted with the account's own key for Secrets Manager
   */
  readonly secretsKeys?: readonly IKey[];
  /**
   * How many connections one secret may hold, from 1 to 2000. A secret with more is refused as a whole.
   *
   * @default 200
   */
  readonly connectionsPerSecret?: number;
  /**
   * How many requests a second the HTTP API takes of all callers together, and twice as many in a burst. The rest are
   * answered 429.
   *
   * @default 50
   */
  readonly apiRequestsPerSecond?: number;
  /**
   * How many instances of the API's function may run at once. They are reserved: no other function of the account gets
   * them, and the API gets no more. API Gateway answers a request beyond them with a 5xx of its own.
   *
   * A reservation must leave 100 of the account's quota to the other functions, so it fails to deploy into an account
   * with the quota of a new one, which is 10.
   *
   * @default - none: the API shares the account's quota with all other functions
   */
  readonly apiReservedConcurrency?: number;
}

const REQUESTS_PER_SECOND = 50;
/** The runbook as the package has it. */
const RUNBOOK = 'https://unpkg.com/token-refresher/docs/runbook.md';

const checkedName = (name: string): string => {
  if (isDeploymentName(name)) return name;
  throw new SettingsError(
    `"name" must be up to 40 lower-case letters, digits and hyphens, beginning with a letter, got "${name}".`,
  );
};

const checkedUrl = (url: string): string => {
  if (URL.parse(url)?.protocol === 'https:') return url;
  throw new SettingsError(`"runbookUrl" must be an https URL, got "${url}".`);
};

const checkedLimit = (limit: number): number => {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 2000) return limit;
  throw new SettingsError(`"connectionsPerSecret" must be a whole number from 1 to 2000, got ${limit}.`);
};

/**
 * Keeps access tokens fresh. Connections are secrets called `token-refresher/<provider>/<name>`; whoever is granted one
 * reads its current token.
 *
 * One for an account and region: two would look after the same secrets, and each keep the other's heartbeats alive.
 *
 *     const tokens = new TokenRefresher(this, 'Tokens', { alarmEmail: 'ops@example.com' });
 *     tokens.grantRead(myFunction, 'poweroffice-v2/acme');
 */
export class TokenRefresher extends TokenRefresherBase {
  /** State changes of connections are published here. */
  readonly eventBus: EventBus;
  protected readonly parts: Parts;

  /** One that `cdk deploy` of this package has put on the same account and region as a stack of its own. */
  static fromStack(scope: Construct, id: string, stackName = 'TokenRefresher'): ITokenRefresher {
    return new ImportedTokenRefresher(scope, id, stackName);
  }

  constructor(scope: Construct, id: string, props: TokenRefresherProps = {}) {
    super(scope, id);
    const { logRetention = RetentionDays.ONE_MONTH, removalPolicy = RemovalPolicy.RETAIN } = props;
    const connectionsPerSecret = checkedLimit(props.connectionsPerSecret ?? CONNECTIONS_PER_SECRET);
    const requestsPerSecond = checkedRequestsPerSecond(props.apiRequestsPerSecond ?? REQUESTS_PER_SECOND);
    const reserved = props.apiReservedConcurrency;
    const plans = plansOf(props.providers);
    const providers = plans.map(({ provider }) => provider.id);
    const secretsKeyArns = (props.secretsKeys ?? []).map(key => key.keyArn);

    const name = checkedName(props.name ?? DEFAULT_NAME);
    const runbook = checkedUrl(props.runbookUrl ?? RUNBOOK);
    const storage = new Storage(this, 'Storage', { name, removalPolicy });
    const deadLetters = this.#deadLetters();
    const eventBus = new EventBus(this, 'Events', {
      // The CDK's own name would be the same for every stack that calls its construct the same.
      eventBusName: Names.uniqueResourceName(this, { separator: '-', maxLength: 200 }),
      description: 'token-refresher: state changes of connections',
    });
    const schedules = new Schedules(this, 'Schedules', { name, deadLetters });
    const alarms = new AlarmTopic(this, 'Alarms', {
      key: storage.key,
      ...(props.alarmEmail !== undefined && { alarmEmail: props.alarmEmail }),
      ...(props.alarmTopic && { alarmTopic: props.alarmTopic }),
    });
    const common = { name, plans, storage, schedules, eventBus, secretsKeyArns, logRetention, deadLetters };

    const refreshers = new Refreshers(this, 'Refresh', common).byProvider;
    new Watch(this, 'Watch', { ...common, alarmTopic: alarms, runbook, connectionsPerSecret });
    const { httpApi } = new Api(this, 'Api', {
      ...{ name, storage, refreshers, logRetention, requestsPerSecond },
      ...(reserved !== undefined && { reservedConcurrency: checkedReservedConcurrency(reserved) }),
    });

    new Monitoring(this, 'Monitoring', {
      ...{ name, runbook, httpApi, deadLetters },
      tables: storage,
      topic: alarms.topic,
      dashboard: props.dashboard ?? false,
      refreshLogs: [...refreshers.values()].map(({ logGroup }) => logGroup),
    });

    this.eventBus = eventBus;
    this.parts = {
      tokensTableName: storage.tokens.tableName,
      tokensTableArn: storage.tokens.tableArn,
      keyArn: storage.key.keyArn,
      apiId: httpApi.apiId,
      apiUrl: httpApi.apiEndpoint,
      providers,
    };
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
