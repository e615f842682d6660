import { type DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { errorCodes } from '../core/errors.ts';
import type { LoginState } from '../core/login.ts';
import type { LoginStore } from '../ports.ts';
import { guarded } from './failure.ts';
import { expressed, fromItem, type Item, ifCondition, momentSchema, type SchemaOf, toItem } from './item.ts';
import { loginShard } from './keys.ts';

/** The item that holds the key of a provider's fingerprints. */
const KEY = 'key';

const keySchema = z.object({ key: z.string().min(1) });
const stateSchema: SchemaOf<LoginState> = z.object({
  refused: z.array(
    z.object({
      fingerprint: z.string(),
      login: z.string().exactOptional(),
      code: z.enum(errorCodes),
      times: z.int().min(1),
      until: momentSchema.exactOptional(),
      at: momentSchema,
    }),
  ),
  granted: z.string().exactOptional(),
  wrong: z.int().min(0).exactOptional(),
});

/** The logins in the table `Connections`, one item each. A login begins with the provider's id. */
export const loginTable = (client: DynamoDBClient, table: string): LoginStore => {
  const itemKey = (provider: string, connection: string): Item => toItem({ shard: loginShard(provider), connection });
  const loginKey = (login: string): Item => itemKey(login.split('#', 1)[0] ?? '', login);

  const change = (login: string, update: string, condition: string, values: Record<string, unknown>) =>
    ifCondition(() =>
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: loginKey(login),
          ...expressed({ UpdateExpression: update, ConditionExpression: condition }, values),
          ReturnValues: 'ALL_NEW',
        }),
      ),
    );

  /** Writes a whole state: fields that it lacks are removed, and `more` too. */
  const write = (login: string, id: string, { refused, granted, wrong }: LoginState, more: readonly string[]) => {
    const optional = { granted, wrong };
    const names = Object.keys(optional) as (keyof typeof optional)[];
    const sets = names.filter(name => optional[name] !== undefined).map(name => `, #${name} = :${name}`);
    const removes = [...more, ...names.filter(name => optional[name] === undefined).map(name => `#${name}`)];
    const remove = removes.length > 0 ? ` REMOVE ${removes.join(', ')}` : '';
    const update = `SET #refused = :refused${sets.join('')}${remove}`;
    return change(login, update, '#takenBy = :id', { id, refused, granted, wrong });
  };

  const readKey = async (provider: string): Promise<string | undefined> => {
    const read = new GetItemCommand({ TableName: table, Key: itemKey(provider, KEY), ConsistentRead: true });
    const { Item } = await client.send(read);
    return Item && fromItem(keySchema, Item, table).key;
  };

  return {
    key: (provider, proposed) =>
      guarded('store_failed', `read the key of ${provider}`, async () => {
        const there = await readKey(provider);
        if (there !== undefined) return there;
        const put = new PutItemCommand({
          TableName: table,
          Item: { ...toItem({ key: proposed }), ...itemKey(provider, KEY) },
          ...expressed({ ConditionExpression: 'attribute_not_exists(#connection)' }, {}),
        });
        if (await ifCondition(() => client.send(put))) return proposed;
        return (await readKey(provider)) ?? proposed;
      }),

    // The same try may take it again: the SDK repeats a write whose answer was lost.
    take: (login, { id, at, until }) =>
      guarded('store_failed', `take ${login}`, async () => {
        const taken = await change(
          login,
          'SET #takenBy = :id, #takenUntil = :until, #refused = if_not_exists(#refused, :none)',
          'attribute_not_exists(#takenUntil) OR #takenUntil <= :at OR #takenBy = :id',
          { id, at, until, none: [] },
        );
        return taken?.Attributes && fromItem(stateSchema, taken.Attributes, table);
      }),

    note: (login, id, state) =>
      guarded('store_failed', `note a try of ${login}`, async () => (await write(login, id, state, [])) !== undefined),

    giveBack: (login, id, state) =>
      guarded('store_failed', `give back ${login}`, async () => {
        await write(login, id, state, ['#takenBy', '#takenUntil']);
      }),
  };
};
