import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';

/** The names of the two tables. */
export interface TableNames {
  readonly tokens: string;
  readonly connections: string;
}

/** The attributes of a table's key, all strings: the partition key and, if there is one, the sort key. */
export interface KeySchema {
  readonly partition: string;
  readonly sort?: string;
}

export const tableKeys: Readonly<Record<keyof TableNames, KeySchema>> = {
  tokens: { partition: 'connection' },
  connections: { partition: 'shard', sort: 'connection' },
};

/** The attribute, in epoch seconds, after which DynamoDB deletes an item of `Connections`. Only rate limits have it. */
export const REMOVE_AT = 'removeAt';

const definition = (name: string, { partition, sort }: KeySchema): CreateTableCommandInput => ({
  TableName: name,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [partition, ...(sort ? [sort] : [])].map(key => ({ AttributeName: key, AttributeType: 'S' })),
  KeySchema: [
    { AttributeName: partition, KeyType: 'HASH' },
    ...(sort ? [{ AttributeName: sort, KeyType: 'RANGE' as const }] : []),
  ],
});

const createTable = async (client: DynamoDBClient, name: string, keys: KeySchema): Promise<void> => {
  try {
    await client.send(new CreateTableCommand(definition(name, keys)));
  } catch (thrown) {
    if (!(thrown instanceof ResourceInUseException)) throw thrown;
  }
  // In seconds: an embedded database is ready within milliseconds, and deployments do not create tables here.
  await waitUntilTableExists({ client, minDelay: 0.01, maxDelay: 1, maxWaitTime: 30 }, { TableName: name });
};

/** Creates missing tables, for laptops and tests; a deployment defines them as infrastructure. */
export const createTables = async (client: DynamoDBClient, names: TableNames): Promise<void> => {
  await createTable(client, names.tokens, tableKeys.tokens);
  await createTable(client, names.connections, tableKeys.connections);
};
