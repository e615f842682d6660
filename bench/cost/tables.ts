import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { tableKeys } from '../../lib/aws/keys.ts';
import { conditionHolds, type Expression, type StoredItem, updated } from './expression.ts';
import type { Meter } from './meter.ts';
import { itemSize, readUnitsOf, writeUnitsOf } from './size.ts';

/** A caller: it spends time and CPU, and its principal decides when keys are fetched. */
export interface Caller {
  readonly principal: string;
  call(kind: 'item' | 'page', items: number): Promise<void>;
  useKey(resource: string): void;
}

interface Stored {
  readonly item: StoredItem;
  readonly size: number;
}

class Partition {
  readonly items = new Map<string, Stored>();
  #sorted: string[] | undefined;

  get sorted(): readonly string[] {
    this.#sorted ??= [...this.items.keys()].sort();
    return this.#sorted;
  }

  set(sort: string, item: StoredItem): number {
    if (!this.items.has(sort)) this.#sorted = undefined;
    const size = itemSize(item);
    this.items.set(sort, { item, size });
    return size;
  }

  delete(sort: string): void {
    if (this.items.delete(sort)) this.#sorted = undefined;
  }
}

/** DynamoDB stores 100 bytes more for each item. */
const ITEM_OVERHEAD = 100;

/** The two tables in memory, at the level of the SDK's commands: every call is counted in request units. */
export class MeteredTables {
  readonly #meter: Meter;
  readonly #tables = new Map<string, Map<string, Partition>>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** A client for one caller. */
  client(caller: Caller): DynamoDBClient {
    const client = new DynamoDBClient({ region: 'us-east-1' });
    const send = (command: unknown) => this.#send(caller, command);
    return Object.assign(client, { send: send as typeof client.send });
  }

  get bytes(): number {
    const partitions = [...this.#tables.values()].flatMap(table => [...table.values()]);
    return partitions
      .flatMap(({ items }) => [...items.values()])
      .reduce((sum, { size }) => sum + size + ITEM_OVERHEAD, 0);
  }

  async #send(caller: Caller, command: unknown): Promise<object> {
    if (command instanceof QueryCommand) return this.#query(caller, command.input);
    const { input } = command as { readonly input: { readonly TableName?: string } };
    caller.useKey(input.TableName ?? '');
    await caller.call('item', 1);
    if (command instanceof GetItemCommand) return this.#get(command.input);
    if (command instanceof PutItemCommand) return this.#put(command.input);
    if (command instanceof UpdateItemCommand) return this.#update(command.input);
    if (command instanceof DeleteItemCommand) return this.#delete(command.input);
    throw new Error('the command is not understood');
  }

  #place(
    table: string | undefined,
    key: StoredItem | undefined,
  ): { readonly partition: Partition; readonly sort: string } {
    const { partition, sort } = keyOf(table);
    const name = key?.[partition]?.S ?? '';
    const partitions = this.#tables.get(table ?? '') ?? new Map<string, Partition>();
    this.#tables.set(table ?? '', partitions);
    const found = partitions.get(name) ?? new Partition();
    partitions.set(name, found);
    return { partition: found, sort: sort === undefined ? '' : (key?.[sort]?.S ?? '') };
  }

  #get({ TableName, Key, ConsistentRead = false }: GetItemCommandInput): object {
    const { partition, sort } = this.#place(TableName, Key);
    const found = partition.items.get(sort);
    this.#meter.table(`GetItem ${TableName}`, { reads: readUnitsOf(found?.size ?? 0, ConsistentRead) });
    return { ...(found && { Item: found.item }) };
  }

  #put(input: PutItemCommandInput): object {
    const { Item = {}, ReturnValuesOnConditionCheckFailure: returned } = input;
    const { partition, sort } = this.#place(input.TableName, Item);
    const before = partition.items.get(sort);
    this.#insist(input, 'PutItem', before, returned === 'ALL_OLD');
    this.#wrote('PutItem', input.TableName, Math.max(partition.set(sort, Item), before?.size ?? 0));
    return {};
  }

  #update(input: UpdateItemCommandInput): object {
    const { TableName, Key = {}, UpdateExpression = '' } = input;
    const { partition, sort } = this.#place(TableName, Key);
    const before = partition.items.get(sort);
    this.#insist(input, 'UpdateItem', before, false);
    const item = updated(UpdateExpression, before?.item ?? Key, input);
    this.#wrote('UpdateItem', TableName, Math.max(partition.set(sort, item), before?.size ?? 0));
    return { Attributes: item };
  }

  #delete(input: DeleteItemCommandInput): object {
    const { partition, sort } = this.#place(input.TableName, input.Key);
    const before = partition.items.get(sort);
    this.#insist(input, 'DeleteItem', before, false);
    partition.delete(sort);
    this.#wrote('DeleteItem', input.TableName, before?.size ?? 0);
    return {};
  }

  async #query(caller: Caller, input: QueryCommandInput): Promise<object> {
    const { TableName, ExclusiveStartKey, Limit = Number.POSITIVE_INFINITY } = input;
    const { shard, after = '' } = queried(input);
    const { partition } = this.#place(TableName, { shard: { S: shard } });
    const start = ExclusiveStartKey?.connection?.S ?? after;
    const { sorted } = partition;
    const from = firstAfter(sorted, start);
    const keys = sorted.slice(from, from + Limit);
    caller.useKey(TableName ?? '');
    await caller.call('page', keys.length);
    const found = keys.flatMap(key => partition.items.get(key) ?? []);
    const bytes = found.reduce((sum, { size }) => sum + size, 0);
    this.#meter.table(`Query ${TableName}`, { reads: readUnitsOf(bytes, false) });
    const last = from + keys.length < sorted.length ? keys.at(-1) : undefined;
    const projected = Object.values(input.ExpressionAttributeNames ?? {});
    return {
      Items: found.map(({ item }) => pick(item, projected)),
      ...(last !== undefined && { LastEvaluatedKey: { shard: { S: shard }, connection: { S: last } } }),
    };
  }

  #insist(
    input: Expression & { readonly TableName?: string | undefined; readonly ConditionExpression?: string | undefined },
    operation: string,
    before: Stored | undefined,
    returned: boolean,
  ): void {
    if (conditionHolds(input.ConditionExpression, before?.item ?? {}, input)) return;
    // A refused write costs as much as a successful one.
    this.#wrote(`${operation} refused`, input.TableName, before?.size ?? 0);
    throw new ConditionalCheckFailedException({
      message: 'The conditional request failed',
      $metadata: {},
      ...(returned && before && { Item: { ...before.item } }),
    });
  }

  #wrote(operation: string, table: string | undefined, bytes: number): void {
    this.#meter.table(`${operation} ${table}`, { writes: writeUnitsOf(bytes) });
  }
}

/** Finds a function's table by the name of its key. */
const keyOf = (table: string | undefined) => (table === 'Tokens' ? tableKeys.tokens : tableKeys.connections);

const queried = ({ ExpressionAttributeValues: values }: QueryCommandInput) => ({
  shard: values?.[':shard']?.S ?? '',
  after: values?.[':after']?.S,
});

/** The index of the first item after a key, by binary search. */
const firstAfter = (sorted: readonly string[], after: string): number => {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') > after) high = middle;
    else low = middle + 1;
  }
  return low;
};

const pick = (item: StoredItem, names: readonly string[]): StoredItem => {
  const picked: Record<string, AttributeValue> = {};
  for (const name of names) {
    const value = item[name];
    if (value) picked[name] = value;
  }
  return picked;
};
