import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { DISCOVER_EVERY } from '../lib/core/policy.ts';
import { type BundledFunction, bundledFunction, type Surroundings } from './function.ts';
import type { Schedules } from './schedules.ts';
import { allowListSecrets, allowSecrets, items, SECRET_PREFIX, shardsOf, tableKey } from './statements.ts';
import type { Storage } from './storage.ts';

export interface DiscoveryProps extends Surroundings {
  readonly providers: readonly string[];
  readonly storage: Storage;
  readonly schedules: Schedules;
  readonly secretsKeyArns: readonly string[];
  readonly connectionsPerSecret: number;
}

/** The function that makes the connections be what the secrets say. */
export class Discovery extends Construct {
  readonly discover: BundledFunction;

  constructor(
    scope: Construct,
    id: string,
    { providers, storage, schedules, secretsKeyArns, connectionsPerSecret, ...props }: DiscoveryProps,
  ) {
    super(scope, id);
    const { tokens, connections, key } = storage;
    this.discover = bundledFunction(this, 'Discover', {
      source: 'discover',
      description: 'Finds the connections that the secrets define',
      environment: {
        TOKENS_TABLE: tokens.tableName,
        CONNECTIONS_TABLE: connections.tableName,
        PROVIDERS: providers.join(','),
        SECRET_PREFIX,
        CONNECTIONS_PER_SECRET: String(connectionsPerSecret),
      },
      // The first look at ten thousand secrets takes minutes; every later one reads only what changed.
      timeout: Duration.minutes(5),
      ...props,
    });
    const { fn, role } = this.discover;
    allowListSecrets(role);
    allowSecrets(role, providers, secretsKeyArns);
    const changes = ['Query', 'PutItem', 'UpdateItem', 'DeleteItem'] as const;
    role.addToPrincipalPolicy(items(connections.tableArn, changes, shardsOf(providers)));
    const withdrawn = { like: providers.map(provider => `${provider}/*`) };
    role.addToPrincipalPolicy(items(tokens.tableArn, ['DeleteItem'], withdrawn));
    role.addToPrincipalPolicy(tableKey(this, key.keyArn));
    schedules.add('discover', { fn, tick: Duration.millis(DISCOVER_EVERY), inputs: [{}] });
  }
}
