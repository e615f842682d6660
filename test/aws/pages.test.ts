import {
  DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, expect, it } from 'vitest';
import { connectionTable } from '../../lib/aws/connection-table.ts';
import { toItem } from '../../lib/aws/item.ts';
import { mockedClient } from '../kit/mock-client.ts';
import { connectionOf, idOf } from '../kit/records.ts';

const dynamodb = mockedClient(DynamoDBClient);
beforeEach(() => dynamodb.reset());

it('a page skips a record that cannot be read, reports it, and continues after it', async () => {
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
  expect(call?.args[0].input.ProjectionExpression).not.toMatch(/version|origin|claimId|redeemedCode/i);
});

it('a list is read in pages of a few hundred, without what only a run needs', async () => {
  const store = connectionTable(new DynamoDBClient({ region: 'us-east-1' }), 'Connections', () => {});
  const pages = ['a', 'b', 'c'].map(name => {
    const { connection, status, dueAt, failures, version } = connectionOf(idOf(name));
    return toItem({ connection, status, dueAt, failures, version });
  });
  const next = (name: string) => toItem({ shard: 'test-provider#1', connection: `test-provider/${name}` });
  const answers: QueryCommandOutput[] = [
    { Items: pages.slice(0, 2), LastEvaluatedKey: next('b'), $metadata: {} },
    { Items: [], LastEvaluatedKey: next('bb'), $metadata: {} },
    { Items: pages.slice(2), $metadata: {} },
  ];
  const queries: QueryCommandInput[] = [];
  // The SDK requests each page with the same object.
  dynamodb.on(QueryCommand).callsFake(input => answers[queries.push({ ...input }) - 1]);
  const listed = await store.list('test-provider', 1);
  expect(listed.map(({ connection }) => connection)).toEqual(['a', 'b', 'c'].map(name => idOf(name)));
  expect(queries.map(({ ExclusiveStartKey }) => ExclusiveStartKey)).toEqual([undefined, next('b'), next('bb')]);
  for (const { Limit, ProjectionExpression } of queries) {
    expect(Limit).toBeLessThanOrEqual(500);
    expect(ProjectionExpression).toMatch(/#dueAt\b/);
    expect(ProjectionExpression).not.toMatch(/claimId|waiters|forcedAt/);
  }
});
