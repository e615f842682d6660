import { safeCause } from '../aws/failure.ts';
import { isObject } from '../core/json.ts';
import { TokenError } from './errors.ts';
import { type CurrentToken, type TokenSource, tokenIn } from './token.ts';
import type { World } from './world.ts';

/** In milliseconds, with the SDK's own retries. */
export const tablePatience = { short: 3000, long: 5000 };

/** A `DynamoDBClient`, a `DynamoDBDocumentClient` or a `DynamoDB` of any AWS SDK v3, by its structure. */
export interface DynamoDbClient {
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

export interface TableSourceOptions {
  /**
   * The name of the table `Tokens`.
   *
   * @default - the environment variable `TOKENS_TABLE`, which `grantRead` sets
   */
  readonly tableName?: string;
  /** @default - a new client of the installed `@aws-sdk/client-dynamodb`, created by the first read */
  readonly client?: DynamoDbClient;
}

/** What the SDK does with a request that IAM, or AWS itself, refuses. */
const REFUSALS: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
]);

/** Loaded by the first read: an app that only calls the API needs no SDK. */
const loadSdk = () => import('@aws-sdk/client-dynamodb').catch((cause: unknown) => Promise.reject(safeCause(cause)));

export const tableSourceIn = ({ now, deadline, env }: World, options: TableSourceOptions = {}): TokenSource => {
  const tableName = options.tableName ?? env.TOKENS_TABLE;
  if (!tableName)
    throw new TypeError('"tableName" must be the name of the table `Tokens`, or TOKENS_TABLE must be set.');
  let client = options.client;

  const itemOf = async (connection: string, patience: keyof typeof tablePatience): Promise<unknown> => {
    try {
      const { DynamoDBClient, GetItemCommand } = await loadSdk();
      client ??= new DynamoDBClient();
      // Consistent: right after a refresh an older copy may have an expired token.
      const command = new GetItemCommand({
        TableName: tableName,
        Key: { connection: { S: connection } },
        ConsistentRead: true,
      });
      // The versions of client and command differ in types only.
      const answer = await client.send(command as never, { abortSignal: deadline(tablePatience[patience]) });
      return isObject(answer) ? answer.Item : undefined;
    } catch (thrown) {
      const cause = safeCause(thrown);
      const code = REFUSALS.has(cause.name) ? 'forbidden' : 'source_unreachable';
      throw new TokenError(code, connection, `the table ${tableName} could not be read (${cause.name})`, { cause });
    }
  };

  const get = async (connection: string, patience: keyof typeof tablePatience): Promise<CurrentToken> => {
    const item = await itemOf(connection, patience);
    if (item === undefined) throw new TokenError('unknown_connection', connection, 'it has no token');
    const token = tokenIn(fieldsOf(item));
    if (!token) throw new TokenError('source_unreachable', connection, `the item in ${tableName} is not a token`);
    if (token.expiresAt > now()) return token;
    const since = new Date(token.expiresAt).toISOString();
    throw new TokenError('no_valid_token', connection, `its token has expired at ${since}`);
  };

  return {
    get: (connection, { patience }) => get(connection, patience),
    renew: async refused => {
      const token = await get(refused.connection, 'short');
      return token.issuedAt > refused.issuedAt ? token : undefined;
    },
  };
};

const fieldsOf = (item: unknown): Readonly<Record<string, unknown>> =>
  isObject(item) ? Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)])) : {};

/** A text, a number or a map as DynamoDB sends them. */
const plain = (value: unknown): unknown => {
  if (!isObject(value)) return undefined;
  if (value.N !== undefined) return Number(value.N);
  return value.M === undefined ? value.S : fieldsOf(value.M);
};
