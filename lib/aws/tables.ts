import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { type KeySchema, type TableNames, tableKeys } from './keys.ts';

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
