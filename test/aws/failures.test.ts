import { inspect } from 'node:util';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { connectionTable } from '../../lib/aws/connection-table.ts';
import { limitTable } from '../../lib/aws/limit-table.ts';
import { loginTable } from '../../lib/aws/login-table.ts';
import { sessionTable } from '../../lib/aws/session-table.ts';
import { tokenTable } from '../../lib/aws/token-table.ts';
import { RefresherError } from '../../lib/core/errors.ts';
import { unused } from '../../lib/core/rate-limit.ts';
import { minutes, version } from '../../lib/core/types.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import { mockedClient } from '../kit/mock-client.ts';
import { connectionOf, idOf, revival, START, secretNoteOf, sessionOf, tokenFor } from '../kit/records.ts';

const dynamodb = mockedClient(DynamoDBClient);
const client = new DynamoDBClient({ region: 'us-east-1' });
const tokens = tokenTable(client, 'Tokens');
const connections = connectionTable(client, 'Connections', () => {});
const sessions = sessionTable(client, 'Connections');
const limits = limitTable(client, 'Connections');
const logins = loginTable(client, 'Connections');
const login = 'test-provider#login';

const connection = idOf('acme');
const session = sessionOf({ refreshToken: 'the-refresh-token' });
const token = tokenFor(connection, { accessToken: 'the-access-token' });

beforeEach(() => dynamodb.reset());

const failureOf = async (call: () => Promise<unknown>): Promise<RefresherError> => {
  const thrown = await call().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof RefresherError)) throw new Error('it did not fail with a RefresherError', { cause: thrown });
  return thrown;
};

const awsError = (name: string, message: string) =>
  Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode: 400 } });

const conditionFailed = () =>
  new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });

describe('what every operation makes of a table that does not do its work', () => {
  const operations: [string, () => Promise<unknown>][] = [
    ['read the token of test-provider/acme', () => tokens.get(connection)],
    ['publish the token of test-provider/acme', () => tokens.publish(token)],
    ['withdraw the token of test-provider/acme', () => tokens.withdraw(connection, version(1))],
    ['list the connections of test-provider#3', () => connections.list('test-provider', 3)],
    ['read test-provider/acme', () => connections.get(connection)],
    ['add test-provider/acme', () => connections.add(connectionOf(connection))],
    ['claim test-provider/acme', () => connections.claim(connectionOf(connection), { id: 'id', leaseUntil: START })],
    ['read the session of test-provider/acme', () => sessions.get(connection)],
    ['keep the session of test-provider/acme', () => sessions.keep(connection, version(1), session)],
    ['forget the session of test-provider/acme', () => sessions.forget(connection, version(1))],
    ['note the secret of test-provider/acme', () => connections.noteSecret(connection, secretNoteOf('1'))],
    ['end test-provider/acme', () => connections.beginEnd(connection, { at: START, dueAt: START })],
    ['end test-provider/acme', () => connections.end(connection, version(1), START)],
    ['retire test-provider/acme', () => connections.retire(connection, START)],
    ['replace test-provider/acme', () => connections.replace(connection, START)],
    ['revive test-provider/acme', () => connections.revive(connection, revival(START))],
    ['remove test-provider/acme', () => connections.remove(connection, version(1))],
    ['book calls of key', () => limits.write('key', unused, 0)],
    ['read the key of test-provider', () => logins.key('test-provider', 'key')],
    ['take test-provider#login', () => logins.take(login, { id: 'id', at: START, until: START })],
    ['note a try of test-provider#login', () => logins.note(login, 'id', { refused: [] })],
    ['give back test-provider#login', () => logins.giveBack(login, 'id', { refused: [] })],
  ];

  const faults = [
    new ProvisionedThroughputExceededException({ message: 'too fast', $metadata: {} }),
    awsError('AccessDeniedException', 'User: arn:aws:iam::1:role/r is not authorized'),
    Object.assign(new Error('a request has exceeded the configured 3000 ms'), { name: 'TimeoutError' }),
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
  ];

  it.each(operations.flatMap(([attempt, call]) => faults.map(fault => ({ attempt, call, fault }))))(
    'could not $attempt: $fault.name',
    async ({ attempt, call, fault }) => {
      dynamodb.rejects(fault);
      const failure = await failureOf(call);
      expect(failure).toMatchObject({ code: 'store_failed', message: `could not ${attempt}: ${fault.name}` });
      expect(failure.cause).toMatchObject({ name: fault.name, message: fault.message });
    },
  );

  it('withholds what may quote a cut-off answer', async () => {
    dynamodb.rejects(new SyntaxError('Unexpected token … {"S":"the-refresh-token" is not valid JSON'));
    const failure = await failureOf(() => connections.get(connection));
    expect(failure.cause).toMatchObject({ name: 'SyntaxError', message: 'its words are withheld' });
    expect(inspect(failure, { depth: 9 })).not.toContain('the-refresh-token');
  });

  it('withholds a thrown value that is not an Error', async () => {
    dynamodb.callsFake(() => Promise.reject('the-refresh-token'));
    const failure = await failureOf(() => connections.get(connection));
    expect(inspect(failure, { depth: 9 })).not.toContain('the-refresh-token');
  });
});

describe('a broken record', () => {
  const item = {
    shard: { S: 'test-provider#1' },
    connection: { S: connection },
    status: { S: 'healthy' },
    dueAt: { N: String(START) },
    version: { N: '3' },
    failures: { N: '0' },
    session: { M: { version: { N: '3' } } },
  };

  it.each([
    ['connection', { connection: { S: 'no id' } }],
    ['dueAt', { dueAt: { S: 'the-refresh-token' } }],
    ['dueAt', { dueAt: { N: '99999999999999999999' } }],
    ['version', { version: { N: '1.5' } }],
    ['status', { status: { S: 'the-refresh-token' } }],
    ['session.version', { session: { M: { version: { S: 'the-refresh-token' } } } }],
    ['lastError.at', { lastError: { M: { code: { S: 'timeout' } } } }],
  ])('is named with its attribute %s, and not its value', async (attribute, change) => {
    const broken = { ...item, ...change };
    dynamodb.on(GetItemCommand).resolves({ Item: broken });
    const failure = await failureOf(() => connections.get(connection));
    expect(failure.code).toBe('store_failed');
    expect(failure.message).toBe(`Connections: ${broken.connection.S} has a broken "${attribute}"`);
    expect(inspect(failure, { depth: 9 })).not.toContain('the-refresh-token');
  });

  it('is skipped and reported when a shard is listed', async () => {
    const { dueAt: _, ...broken } = item;
    const other = { ...item, connection: { S: 'test-provider/other' } };
    const next = { connection: { S: connection } };
    dynamodb
      .on(QueryCommand)
      .resolvesOnce({ Items: [broken], LastEvaluatedKey: next })
      .resolves({ Items: [other] });
    const reported: string[] = [];
    const listing = connectionTable(client, 'Connections', error => reported.push(error.message));
    expect(await listing.list('test-provider', 1)).toMatchObject([{ connection: 'test-provider/other' }]);
    expect(reported).toEqual([`Connections: ${connection} has a broken "dueAt"`]);
  });

  it('reads an error code that is unknown to this release', async () => {
    const lastError = { M: { code: { S: 'code_of_tomorrow' }, at: { N: '1' }, since: { N: '1' } } };
    dynamodb.on(GetItemCommand).resolves({ Item: { ...item, lastError } });
    expect(await connections.get(connection)).toMatchObject({ lastError: { code: 'internal_error', at: 1 } });
  });

  it('may be a token', async () => {
    dynamodb.on(GetItemCommand).resolves({ Item: { connection: { S: connection }, accessToken: { S: '' } } });
    expect((await failureOf(() => tokens.get(connection))).message).toContain(
      'Tokens: test-provider/acme has a broken',
    );
  });
});

describe('what is sent', () => {
  it('never names an attribute by itself, since many of them are reserved words', async () => {
    dynamodb.resolves({});
    const note = { version: version(1) };
    const settlement = { status: 'healthy', dueAt: START, failures: 0, session: note } as const;
    await tokens.publish(token);
    await tokens.withdraw(connection, version(1));
    await connections.list('test-provider', 1);
    await connections.add(connectionOf(connection));
    await connections.claim(connectionOf(connection), { id: 'id', leaseUntil: START, forcedAt: START });
    await sessions.keep(connection, version(1), session);
    await sessions.forget(connection, version(1));
    await connections.beginEnd(connection, { at: START, dueAt: START });
    await connections.end(connection, version(1), START);
    await connections.settle(connection, version(1), settlement);
    await connections.retire(connection, START);
    await connections.replace(connection, START);
    await connections.noteSecret(connection, secretNoteOf('1'));
    for (const from of ['retired', 'ended'] as const) await connections.revive(connection, revival(START, { from }));
    await connections.remove(connection, version(1));
    await limits.write('key', unused, 3);
    await logins.key('test-provider', 'key');
    await logins.take(login, { id: 'id', at: START, until: START });
    await logins.note(login, 'id', { refused: [] });
    await logins.note(login, 'id', { refused: [], granted: 'fingerprint', wrong: 1 });
    await logins.giveBack(login, 'id', { refused: [], granted: 'fingerprint' });
    await logins.giveBack(login, 'id', { refused: [] });
    const grammar = /^(SET|REMOVE|AND|OR|attribute_(not_)?exists|if_not_exists|)$/;
    const expressions = dynamodb.calls().flatMap(({ args }) => {
      const input: object = args[0].input;
      return Object.entries(input).filter(([name]) => name.endsWith('Expression'));
    });
    expect(expressions.length).toBeGreaterThan(10);
    for (const [, expression] of expressions) {
      const words = String(expression)
        .replace(' + ', ' ')
        .split(/[\s(),=<>]+/)
        .filter(word => !/^[#:]/.test(word));
      expect(words.filter(word => !grammar.test(word))).toEqual([]);
    }
  });

  it('reads consistently if a decision depends on it', async () => {
    dynamodb.resolves({});
    await tokens.get(connection);
    await connections.get(connection);
    await sessions.get(connection);
    dynamodb.on(PutItemCommand).rejects(conditionFailed());
    await limits.write('key', unused, 3);
    await logins.key('test-provider', 'key');
    expect(dynamodb).toHaveReceivedCommandTimes(GetItemCommand, 6);
    for (const { args } of dynamodb.commandCalls(GetItemCommand))
      expect(args[0].input).toMatchObject({ ConsistentRead: true });
  });
});

describe('contention for a rate limit', () => {
  it('is given up after some tries, with a fair time to wait', async () => {
    dynamodb.on(GetItemCommand).resolves({});
    dynamodb.on(PutItemCommand).rejects(conditionFailed());
    const limiter = leasingRateLimiter(limits, { now: () => START });
    const answer = await limiter.reserve('key', { calls: 4, per: minutes(1) }, { lane: 'scheduled', until: START });
    expect(answer).toEqual({ ok: false, retryAt: START + 15_000 });
    expect(dynamodb).toHaveReceivedCommandTimes(PutItemCommand, 8);
  });
});

describe('a claim that fails its condition', () => {
  it('fails if the record cannot be read either', async () => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed());
    dynamodb.on(GetItemCommand).rejects(awsError('InternalServerError', 'sorry'));
    const claim = () => connections.claim(connectionOf(connection), { id: 'id', leaseUntil: START });
    expect((await failureOf(claim)).code).toBe('store_failed');
  });
});
