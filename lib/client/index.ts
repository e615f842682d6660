import { type ApiSourceOptions, apiSourceIn } from './api-source.ts';
import { type TokenClient, type TokenClientOptions, tokenClientIn } from './client.ts';
import type { ClientEnvironment } from './environment.ts';
import { type FakeSource, type FakeToken, fakeSourceIn } from './fake-source.ts';
import { type TableSourceOptions, tableSourceIn } from './table-source.ts';
import type { TokenSource } from './token.ts';

export type { ErrorCode } from '../core/errors.ts';
export type { ApiSourceOptions } from './api-source.ts';
export type { GetOptions, TokenClient, TokenClientOptions } from './client.ts';
export { TokenError, type TokenErrorCode } from './errors.ts';
export type { FakeSource, FakeToken } from './fake-source.ts';
export type { AwsCredentials, AwsCredentialsProvider } from './sign.ts';
export type { DynamoDbMethods, DynamoDbSender, TableSourceOptions } from './table-source.ts';
export type { CurrentToken, SourceOptions, TokenSource } from './token.ts';
export type { UndiciInterceptor } from './undici.ts';

const environment: ClientEnvironment = {
  now: () => Date.now(),
  random: () => Math.random(),
  deadline: patience => AbortSignal.timeout(patience),
  env: process.env,
};

/** Reads the table `Tokens`. It needs `@aws-sdk/client-dynamodb` and `grantRead`. */
export const tableSource = (options?: TableSourceOptions): TokenSource => tableSourceIn(environment, options);

/** Calls the HTTP API. It needs AWS credentials and `grantInvokeApi`, or the key of a laptop. */
export const apiSource = (options?: ApiSourceOptions): TokenSource => apiSourceIn(environment, options);

/** For unit tests: `fakeSource({ 'officernd/acme': { baseUrl: server.url }, 'officernd/new': 'not_yet' })`. */
export const fakeSource = (connections?: Readonly<Record<string, FakeToken>>): FakeSource =>
  fakeSourceIn(environment, connections);

/**
 * A client for all connections.
 *
 * ```ts
 * const tokens = createTokenClient();
 * const response = await tokens.fetch('poweroffice-v2/acme', '/Customers');
 * ```
 */
export const createTokenClient = (options?: TokenClientOptions): TokenClient => tokenClientIn(environment, options);
