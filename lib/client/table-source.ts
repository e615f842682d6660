import { safeCause } from '../aws/failure.ts';
import { isObject } from '../core/json.ts';
import { TOKEN_FORMAT } from '../core/types.ts';
import type { ClientEnvironment } from './environment.ts';
import { TokenError } from './errors.ts';
import { tablePatience } from './patience.ts';
import { type CurrentToken, type TokenSource, tokenIn } from './token.ts';
import { unlessAborted } from './unless-aborted.ts';

/** A `DynamoDB` of any AWS SDK v3, by its structure. */
export interface DynamoDbMethods {
  /** Reads one item. */
  getItem(input: GetItem, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

/** A `DynamoDBClient` or `DynamoDBDocumentClient` of the AWS SDK v3, by its structure. */
export interface DynamoDbSender {
  /** Sends one command. */
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

interface GetItem {
  readonly TableName: string;
  readonly Key: { readonly connection: { readonly S: string } };
  readonly ConsistentRead: boolean;
}

/** Options of `tableSource`. */
export interface TableSourceOptions {
  /**
   * The name of the table `Tokens`.
   *
   * @default - the environment variable `TOKENS_TABLE`, which `grantRead` sets
   */
  readonly tableName?: string;
  /**
   * A `DynamoDB` of any version, or a client of the installed `@aws-sdk/client-dynamodb`: the commands of one version
   * may not fit the clients of another.
   *
   * @default - a new client of the installed `@aws-sdk/client-dynamodb`, created by the first read
   */
  readonly client?: DynamoDbMethods | DynamoDbSender;
}

/** The names of the SDK's errors if IAM, or AWS itself, refuses a request. */
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

let sdk: Promise<typeof import('@aws-sdk/client-dynamodb')> | undefined;

/** Loaded by the first read: an app that only calls the API needs no SDK. */
const loadSdk = () => {
  sdk ??= import('@aws-sdk/client-dynamodb').catch((cause: unknown) => {
    throw new TypeError('tableSource needs the package @aws-sdk/client-dynamodb.', { cause });
  });
  return sdk;
};

const newClient = async (): Promise<DynamoDbMethods | DynamoDbSender> => {
  const { DynamoDBClient } = await loadSdk();
  return new DynamoDBClient();
};

const sending = async (client: DynamoDbSender, input: GetItem) => {
  const { GetItemCommand } = await loadSdk();
  // Its type is that of the installed version, and the client's may be that of another.
  return (options: { abortSignal: AbortSignal }) => client.send(new GetItemCommand(input) as never, options);
};

export const tableSourceIn = (
  { now, deadline, env }: ClientEnvironment,
  options: TableSourceOptions = {},
): TokenSource => {
  const tableName = options.tableName ?? env.TOKENS_TABLE;
  if (!tableName)
    throw new TypeError('"tableName" must be the name of the table `Tokens`, or TOKENS_TABLE must be set.');
  let opened = options.client && Promise.resolve(options.client);

  const itemOf = async (connection: string, patience: keyof typeof tablePatience): Promise<unknown> => {
    // Consistent: right after a refresh an older copy may have an expired token.
    const input = { TableName: tableName, Key: { connection: { S: connection } }, ConsistentRead: true };
    opened ??= newClient();
    const client = await opened;
    const send = 'getItem' in client ? client.getItem.bind(client, input) : await sending(client, input);
    const abortSignal = deadline(tablePatience[patience]);
    try {
      // The SDK does not look at the signal while it waits for credentials.
      const answer = await unlessAborted(abortSignal, send({ abortSignal }));
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
    const fields = fieldsOf(item);
    const token = fields.format === TOKEN_FORMAT ? tokenIn(connection, fields) : undefined;
    if (!token)
      throw new TokenError(
        'source_unreachable',
        connection,
        `the item in ${tableName} is not its token in format ${TOKEN_FORMAT}`,
      );
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
