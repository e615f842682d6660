import { safeCause, wordlessCause } from '../aws/failure.ts';
import { isErrorCode } from '../core/errors.ts';
import { isLoopback, staysOnMachine } from '../core/hosts.ts';
import { jsonObject } from '../core/json.ts';
import { LONGEST_MIN_TTL } from '../core/types.ts';
import type { ClientEnvironment } from './environment.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';
import { apiPatience } from './patience.ts';
import {
  type AwsCredentials,
  type AwsCredentialsProvider,
  defaultCredentials,
  regionIn,
  SettingError,
  signedHeaders,
} from './sign.ts';
import { type CurrentToken, type TokenSource, tokenIn } from './token.ts';
import { unlessAborted } from './unless-aborted.ts';

/** Options of `apiSource`. */
export interface ApiSourceOptions {
  /**
   * The address of the HTTP API.
   *
   * @default - the environment variable `TOKENS_API_URL`, which `grantInvokeApi` sets
   */
  readonly url?: string;
  /**
   * The key of a laptop's API. With it, requests are not signed.
   *
   * @default - the environment variable `TOKEN_REFRESHER_KEY`, if `url` is on this machine
   */
  readonly key?: string;
  /**
   * Sign the requests (SigV4).
   *
   * @default - those in the environment, otherwise the SDK's chain
   */
  readonly credentials?: AwsCredentials | AwsCredentialsProvider;
  /**
   * The Region of the API.
   *
   * @default - the Region in `url`, otherwise the environment variable `AWS_REGION`
   */
  readonly region?: string;
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly patience: keyof typeof apiPatience;
}

export const apiSourceIn = (environment: ClientEnvironment, options: ApiSourceOptions = {}): TokenSource => {
  const { env, now, deadline } = environment;
  const base = baseOf(options.url ?? env.TOKENS_API_URL);
  const key = options.key ?? (staysOnMachine(base.hostname) ? env.TOKEN_REFRESHER_KEY : undefined);
  const region = options.region ?? regionIn(base) ?? env.AWS_REGION;
  const { credentials = defaultCredentials(environment) } = options;

  // Otherwise `Headers` would quote it in an error.
  if (key !== undefined && !/^[\x21-\x7e]*$/.test(key)) throw new TypeError('"key" must have no spaces or line ends.');
  if (!key && base.protocol === 'http:' && !isLoopback(base.hostname)) {
    throw new TypeError(`"key" or TOKEN_REFRESHER_KEY must be the key of the laptop at ${base.hostname}.`);
  }

  const headersFor = async (request: { method: 'GET' | 'POST'; url: URL; body?: string }): Promise<Headers> => {
    if (key) return new Headers({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });
    if (!region) throw new SettingError('"region" must be a Region, or AWS_REGION must be set.');
    const held = typeof credentials === 'function' ? await credentials() : credentials;
    return signedHeaders(request, held, { region, now: now() });
  };

  const send = async (connection: string, { method, path, body, patience }: Question): Promise<ApiAnswer> => {
    const url = new URL(`${base.href.replace(/\/$/, '')}${path}`);
    const request = { method, url, ...(body !== undefined && { body }) };
    // Both a provider of credentials and the API may wait without end.
    const signal = deadline(apiPatience[patience]);
    const headers = await unlessAborted(signal, headersFor(request)).catch((thrown: unknown) => {
      if (thrown instanceof SettingError) throw thrown;
      const cause = wordlessCause(thrown);
      throw new TokenError('forbidden', connection, `there are no AWS credentials (${cause.name})`, { cause });
    });
    try {
      // A redirect is not followed: it would take the signature or the key along.
      const init = { method, headers, redirect: 'manual', signal } as const;
      const response = await fetch(url, { ...init, ...(body !== undefined && { body }) });
      const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
      return { status: response.status, retryAfter, json: jsonObject(await response.text()) };
    } catch (thrown) {
      // The reason is in the cause of what `fetch` throws.
      const reason = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
      const cause = safeCause(reason);
      // The code of a system error is a text. That of a timeout is a number, which says nothing.
      const code =
        reason instanceof Error && 'code' in reason && typeof reason.code === 'string' ? reason.code : cause.name;
      const what = `the API at ${base.origin} did not answer (${code})`;
      throw new TokenError('source_unreachable', connection, what, { cause });
    }
  };

  return {
    get: async (connection, { minTtl, patience }) => {
      const whole = Math.min(LONGEST_MIN_TTL, Math.ceil(minTtl));
      const path = `/tokens/${connection}?minTtl=${whole}`;
      return tokenOf(connection, await send(connection, { method: 'GET', path, patience }));
    },
    renew: async ({ connection, issuedAt }) => {
      const body = JSON.stringify({ issuedAt: new Date(issuedAt).toISOString() });
      const path = `/tokens/${connection}`;
      const answer = await send(connection, { method: 'POST', path, body, patience: 'long' });
      return answer.json?.code === 'too_many_refreshes' ? undefined : tokenOf(connection, answer);
    },
  };
};

/** In plain HTTP the token, and the key, could be read on the way. */
const baseOf = (url: string | undefined): URL => {
  const base = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
  if (base?.protocol === 'https:' || (base?.protocol === 'http:' && staysOnMachine(base.hostname))) return base;
  throw new TypeError('"url" must be the https: address of the HTTP API, or TOKENS_API_URL must be set to it.');
};

interface ApiAnswer {
  readonly status: number;
  /** In seconds; NaN if the answer has none. */
  readonly retryAfter: number;
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/** The codes of the API that mean something else to a caller than "no answer". */
const codes: ReadonlyMap<unknown, TokenErrorCode> = new Map([
  ['unknown_connection', 'unknown_connection'],
  ['refresh_in_progress', 'not_yet'],
  ['no_valid_token', 'no_valid_token'],
  ['refresh_failed', 'no_valid_token'],
]);

const tokenOf = (connection: string, { status, json, retryAfter }: ApiAnswer): CurrentToken => {
  const token =
    status === 200 && json
      ? tokenIn(connection, { ...json, issuedAt: at(json.issuedAt), expiresAt: at(json.expiresAt) })
      : undefined;
  if (token) return token;
  const reason = isErrorCode(json?.reason) ? json.reason : undefined;
  const details = { reason, ...(Number.isFinite(retryAfter) && { retryAfter }) };
  if (reason === 'not_refreshed_yet') throw new TokenError('not_yet', connection, 'it has no token yet', details);
  const known = codes.get(json?.code);
  if (known) throw new TokenError(known, connection, `the API answers ${status} ${json?.code}`, details);
  const isRefused = status === 401 || status === 403;
  const code = isRefused ? 'forbidden' : 'source_unreachable';
  throw new TokenError(code, connection, `the API answers ${status} without its token`, details);
};

const at = (iso: unknown): unknown => (typeof iso === 'string' ? Date.parse(iso) : undefined);
