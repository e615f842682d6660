import type { Agent } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Environment variables, passed in by the code that may read them. */
export type Env = Readonly<Record<string, string | undefined>>;

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Overrides of the SDK's defaults; a local AWS sets all three. */
export interface ClientOverrides {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: Credentials;
  /** Connects to an endpoint inside this process. */
  readonly httpAgent?: Agent;
}

export interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly secretsManager: SecretsManagerClient;
}

const environmentCredentials = (env: Env) => async (): Promise<Credentials> => {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (!accessKeyId || !secretAccessKey) throw new Error('AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set');
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
};

/**
 * The settings that all our SDK clients share. The SDK finds region and endpoint by itself. In Lambda, credentials
 * always come from the environment; the SDK's default chain would load and try everything else first.
 */
export const clientSettings = (env: Env, { httpAgent, ...overrides }: ClientOverrides = {}) => ({
  ...(env.AWS_LAMBDA_FUNCTION_NAME !== undefined && { credentials: environmentCredentials(env) }),
  ...overrides,
  // The SDK's own agents keep connections alive. TLS is verified even if NODE_TLS_REJECT_UNAUTHORIZED is 0. Without
  // `throwOnRequestTimeout` a timeout is only a warning. `socketTimeout` covers an answer that begins and then stalls.
  requestHandler: {
    ...{ connectionTimeout: 1000, requestTimeout: 3000, socketTimeout: 3000, throwOnRequestTimeout: true },
    httpsAgent: { rejectUnauthorized: true },
    ...(httpAgent && { httpAgent }),
  },
});

/** Only the SDK repeats calls to AWS; no layer above it does. */
export const dynamodbClient = (env: Env, overrides?: ClientOverrides): DynamoDBClient =>
  new DynamoDBClient({ ...clientSettings(env, overrides), maxAttempts: 4 });

export const secretsManagerClient = (env: Env, overrides?: ClientOverrides): SecretsManagerClient =>
  new SecretsManagerClient({ ...clientSettings(env, overrides), maxAttempts: 3 });

export const createClients = (env: Env, overrides?: ClientOverrides): Clients => ({
  dynamodb: dynamodbClient(env, overrides),
  secretsManager: secretsManagerClient(env, overrides),
});
