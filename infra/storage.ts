import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type ITable, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { type KeySchema, REMOVE_AT, tableKeys } from '../lib/aws/keys.ts';

export interface StorageProps {
  /** The deployment's name. */
  readonly name: string;
  readonly removalPolicy: RemovalPolicy;
  /** @default a key of its own */
  readonly encryptionKey?: IKey | undefined;
}

/** The two tables and the key that encrypts them: all state except the secrets. */
export class Storage extends Construct {
  readonly key: IKey;
  readonly tokens: ITable;
  readonly connections: ITable;

  constructor(scope: Construct, id: string, { name, removalPolicy, encryptionKey }: StorageProps) {
    super(scope, id);
    this.key =
      encryptionKey ??
      new Key(this, 'Key', {
        alias: name,
        description: `${name}: encrypts tokens and connections`,
        enableKeyRotation: true,
        removalPolicy,
      });
    this.tokens = this.#table('Tokens', tableKeys.tokens, removalPolicy);
    this.connections = this.#table('Connections', tableKeys.connections, removalPolicy, REMOVE_AT);
  }

  #table(id: string, { partition, sort }: KeySchema, removalPolicy: RemovalPolicy, removeAt?: string): ITable {
    const table = new Table(this, id, {
      partitionKey: { name: partition, type: AttributeType.STRING },
      ...(sort !== undefined && { sortKey: { name: sort, type: AttributeType.STRING } }),
      ...(removeAt !== undefined && { timeToLiveAttribute: removeAt }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // With `DESTROY`, the tables are meant to be deleted with the stack.
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
    // With `exactOptionalPropertyTypes` the CDK's class does not quite match its interface.
    return table as ITable;
  }
}
