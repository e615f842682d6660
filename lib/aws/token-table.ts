import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { type ConnectionId, TOKEN_FORMAT, type Token } from '../core/types.ts';
import type { TokenStore } from '../ports.ts';
import { guarded } from './failure.ts';
import {
  connectionIdSchema,
  expressed,
  fromItem,
  ifCondition,
  momentSchema,
  type SchemaOf,
  toItem,
  versionSchema,
} from './item.ts';

export const tokenSchema: SchemaOf<Token> = z.object({
  connection: connectionIdSchema,
  accessToken: z.string().min(1),
  tokenType: z.string(),
  issuedAt: momentSchema,
  expiresAt: momentSchema,
  headers: z.record(z.string(), z.string()),
  baseUrl: z.string(),
  version: versionSchema,
});

const read = async (client: DynamoDBClient, table: string, connection: ConnectionId): Promise<Token | undefined> => {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: table, Key: toItem({ connection }), ConsistentRead: true }),
  );
  return Item && fromItem(tokenSchema, Item, table);
};

/** The table `Tokens`: partition key `connection`. */
export const tokenTable = (client: DynamoDBClient, table: string): TokenStore => ({
  get: connection => guarded('store_failed', `read the token of ${connection}`, () => read(client, table, connection)),

  /*
   * Why "only if older": a worker may be frozen between its grant and this write.
   *
   *   A (version 4)   grant ........ frozen past its lease ........ publish 4: loses, 5 is there
   *   B (version 5)        claim, grant, publish 5
   */
  publish: token =>
    guarded('store_failed', `publish the token of ${token.connection}`, async () => {
      const written = await ifCondition(() =>
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: toItem({ ...token, format: TOKEN_FORMAT }),
            ...expressed(
              { ConditionExpression: 'attribute_not_exists(#connection) OR #version < :version' },
              { version: token.version },
            ),
          }),
        ),
      );
      if (written) return true;
      // The SDK repeats a write whose answer was lost, and then finds the result of its own first try: the token is
      // published.
      const there = await read(client, table, token.connection);
      return there?.version === token.version && there.accessToken === token.accessToken;
    }),

  // Only up to the version seen: a connection that has come back may have a newer token already.
  withdraw: (connection, upTo) =>
    guarded('store_failed', `withdraw the token of ${connection}`, async () => {
      await ifCondition(() =>
        client.send(
          new DeleteItemCommand({
            TableName: table,
            Key: toItem({ connection }),
            ...expressed({ ConditionExpression: '#version <= :upTo' }, { upTo }),
          }),
        ),
      );
    }),
});
