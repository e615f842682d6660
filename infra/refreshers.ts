import { Duration } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { secretPrefixOf } from '../lib/core/deployment.ts';
import type { Pace } from '../lib/core/policy.ts';
import { type BundledFunction, bundledFunction, type FunctionContext } from './function.ts';
import type { Network } from './network.ts';
import type { ProviderPlan } from './options.ts';
import type { Schedules } from './schedules.ts';
import { allow, allowSecrets, items, limitsOf, loginsOf, sessionsOf, shardsOf, tableKey } from './statements.ts';
import type { Storage } from './storage.ts';

export interface RefreshersProps extends FunctionContext {
  /** The deployment's name. */
  readonly name: string;
  readonly plans: readonly ProviderPlan[];
  readonly storage: Storage;
  readonly schedules: Schedules;
  readonly eventBus: IEventBus;
  readonly secretsKeyArns: readonly string[];
  /** The network of the functions that call providers. */
  readonly network: Network | undefined;
}

/** The function of a provider, and its pace. */
export interface Refresher extends BundledFunction {
  readonly pace: Pace;
}

/** One function per provider: none can read the secrets or items of another provider. */
export class Refreshers extends Construct {
  readonly byProvider: ReadonlyMap<string, Refresher>;

  constructor(scope: Construct, id: string, props: RefreshersProps) {
    super(scope, id);
    this.byProvider = new Map(props.plans.map(plan => [plan.provider.id, this.#refresher(plan, props)]));
  }

  #refresher({ provider, pace, rules, schedules }: ProviderPlan, props: RefreshersProps): Refresher {
    const { storage, eventBus, secretsKeyArns } = props;
    const refresher = bundledFunction(this, provider.id, {
      source: 'refresh',
      definition: provider.definition,
      description: describable(`Refreshes the tokens of ${provider.title}`),
      environment: {
        TOKENS_TABLE: storage.tokens.tableName,
        CONNECTIONS_TABLE: storage.connections.tableName,
        EVENT_BUS: eventBus.eventBusArn,
        DEPLOYMENT: props.name,
        PROVIDER: provider.id,
        PACE: JSON.stringify(pace),
        ...(rules.hosts.length > 0 && { HOSTS: rules.hosts.join(',') }),
        ...(!rules.ownBaseUrl && { OWN_BASE_URL: 'false' }),
      },
      // A run begins only with a whole lease left: that leaves more than two minutes to begin runs.
      timeout: Duration.minutes(3),
      network: props.network,
      ...contextOf(props),
    });
    const { fn, role } = refresher;
    allowSecrets(role, {
      prefix: secretPrefixOf(props.name),
      providers: [provider.id],
      keyArns: secretsKeyArns,
    });
    const { tokens, connections, key } = storage;
    const ownTokens = { like: [`${provider.id}/*`] };
    role.addToPrincipalPolicy(items(tokens.tableArn, ['GetItem', 'PutItem', 'DeleteItem'], ownTokens));
    role.addToPrincipalPolicy(items(connections.tableArn, ['Query', 'GetItem', 'UpdateItem'], shardsOf([provider.id])));
    const sessions = sessionsOf(provider.id);
    role.addToPrincipalPolicy(items(connections.tableArn, ['GetItem', 'PutItem', 'DeleteItem'], sessions));
    const logins = provider.locksAccounts
      ? (['GetItem', 'PutItem', 'UpdateItem'] as const)
      : (['GetItem', 'PutItem'] as const);
    role.addToPrincipalPolicy(items(connections.tableArn, logins, loginsOf(provider.id)));
    if (provider.rateLimit) {
      role.addToPrincipalPolicy(items(connections.tableArn, ['PutItem'], limitsOf(provider.id)));
    }
    role.addToPrincipalPolicy(tableKey(this, key.keyArn));
    role.addToPrincipalPolicy(allow('events:PutEvents', eventBus.eventBusArn));
    props.schedules.add(`refresh-${provider.id}`, {
      fn,
      tick: Duration.millis(pace.tick),
      inputs: schedules.map(shards => ({ shards })),
    });
    return { ...refresher, pace };
  }
}

const contextOf = ({ logRetention, deadLetters }: FunctionContext): FunctionContext => ({
  logRetention,
  deadLetters,
});

/**
 * The characters that a role description may have (https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html).
 */
const describable = (text: string): string => text.replace(/[^\u0020-\u007e\u00a1-\u00ff]/gu, '?');
