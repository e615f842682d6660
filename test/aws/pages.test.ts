import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it } from 'vitest';
import { connectionTable } from '../../lib/aws/connection-table.ts';
import { toItem } from '../../lib/aws/item.ts';
import { connectionOf, idOf } from '../support/records.ts';

const dynamodb = mockClient(DynamoDBClient);

it('a page passes over a record that cannot be read, reports it, and goes on behind it', async () => {
  const broken: string[] = [];
  const store = connectionTable(new DynamoDBClient({ region: 'us-east-1' }), 'Connections', error => {
    broken.push(error.message);
  });
  const { connection, status, dueAt, failures } = connectionOf(idOf('b'));
  dynamodb.on(QueryCommand).resolves({
    Items: [
      toItem({ connection: 'test-provider/a', status: 'nonsense' }),
      toItem({ connection, status, dueAt, failures }),
    ],
    LastEvaluatedKey: toItem({ shard: 'test-provider#1', connection: 'test-provider/c' }),
  });
  const page = await store.page('test-provider', 1, { after: '', limit: 3 });
  expect(page).toEqual({ connections: [{ connection, status, dueAt, failures }], next: 'test-provider/c' });
  expect(broken).toEqual(['Connections: test-provider/a has a broken "status"']);
  const [call] = dynamodb.commandCalls(QueryCommand);
  expect(call?.args[0].input).toMatchObject({ Limit: 3, TableName: 'Connections' });
  expect(call?.args[0].input.ProjectionExpression).not.toMatch(/version|session|origin|claimId/i);
});
