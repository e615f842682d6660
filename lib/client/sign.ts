import { AwsV4Signer } from 'aws4fetch';
import type { ClientEnvironment } from './environment.ts';

/** Credentials as all AWS SDKs v3 have them. */
export interface AwsCredentials {
  /** The access key id. */
  readonly accessKeyId: string;
  /** The secret access key. */
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

/** For example what `fromIni()` of `@aws-sdk/credential-providers` returns. Called before each request. */
export type AwsCredentialsProvider = () => Promise<AwsCredentials>;

/** Says which setting is wrong. A provider of credentials may throw a `TypeError` too, with words of its own. */
export class SettingError extends TypeError {}

/**
 * The credentials in the environment, as in Lambda; otherwise those of the SDK's chain (profiles, containers,
 * instances, web identities), which every installed client of the SDK brings along.
 */
export const defaultCredentials = ({ env }: Pick<ClientEnvironment, 'env'>): AwsCredentialsProvider => {
  let chain: Promise<AwsCredentialsProvider> | undefined;
  return async () => {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_PROFILE: profile } = env;
    if (accessKeyId && secretAccessKey && !profile) {
      return { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN };
    }
    chain ??= import('@aws-sdk/credential-provider-node').then(
      ({ defaultProvider }) => defaultProvider(),
      (cause: unknown) => {
        throw new SettingError('Without keys in the environment, apiSource needs "credentials" or an AWS SDK.', {
          cause,
        });
      },
    );
    return (await chain)();
  };
};

export interface Unsigned {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly body?: string;
}

/** The Region in the address of an API Gateway. */
export const regionIn = ({ hostname }: URL): string | undefined =>
  /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(hostname)?.[1];

/** The headers of a signed request (SigV4) to an API Gateway. */
export const signedHeaders = async (
  { method, url, body }: Unsigned,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  { region, now }: { readonly region: string; readonly now: number },
): Promise<Headers> => {
  const { headers } = await new AwsV4Signer({
    ...{ method, url: url.href, accessKeyId, secretAccessKey, region },
    ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    ...(sessionToken && { sessionToken }),
    service: 'execute-api',
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ''),
  }).sign();
  return headers;
};
