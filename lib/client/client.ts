import { parseConnectionId } from '../core/types.ts';
import { apiSourceIn } from './api-source.ts';
import { TokenCache } from './cache.ts';
import type { ClientEnvironment } from './environment.ts';
import { TokenError } from './errors.ts';
import { withFallback } from './fallback.ts';
import { fetchWith } from './fetch.ts';
import { tableSourceIn } from './table-source.ts';
import type { CurrentToken, TokenSource } from './token.ts';
import { interceptorWith, type UndiciInterceptor } from './undici.ts';

/** Options of `createTokenClient`. */
export interface TokenClientOptions {
  /**
   * Where tokens come from.
   *
   * @default - the table if `TOKENS_TABLE` is set, otherwise the API at `TOKENS_API_URL`
   */
  readonly source?: TokenSource;
  /**
   * Used if `source` fails, or has no token that is valid for long enough.
   *
   * @default - without `source`, the API if both variables are set
   */
  readonly fallback?: TokenSource;
}

/** Options of `get`. */
export interface GetOptions {
  /**
   * How long the token must be valid, in seconds, if there is or can be such a token. Otherwise any valid one is returned.
   *
   * @default 60
   */
  readonly minTtl?: number;
}

/** Reads tokens of connections, and sends requests with them. A process needs one: its callers share the cache. */
export interface TokenClient {
  /** A valid token. Throws a `TokenError`. */
  get(connection: string, options?: GetOptions): Promise<CurrentToken>;
  /**
   * A newer token than one that the provider has refused (401); undefined if there is none yet. Throws a `TokenError`.
   */
  renew(refused: CurrentToken): Promise<CurrentToken | undefined>;
  /**
   * `fetch` with the headers of the connection's token. A path is below its base URL, an address must be at the same
   * origin. If the answer is 401, the request is repeated once with a newer token, unless its body is a stream or a
   * redirect has changed its method. Redirects to another origin are followed without the token. Throws a `TokenError`,
   * and what `fetch` throws.
   */
  fetch(connection: string, path: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The same in the form of `fetch`, for an SDK that takes one. */
  fetchFor(connection: string): (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** The same for undici 7 and 8: `agent.compose(tokens.interceptorFor(connection))`. */
  interceptorFor(connection: string): UndiciInterceptor;
}

const NO_OPTIONS: GetOptions = {};

export const tokenClientIn = (within: ClientEnvironment, options: TokenClientOptions = {}): TokenClient => {
  const cache = new TokenCache({ ...within, source: sourceOf(within, options) });
  const checked = async (connection: string, minTtl: number): Promise<CurrentToken> => {
    if (typeof connection !== 'string' || !parseConnectionId(connection))
      throw new TokenError('malformed_connection', connection, 'it is not a connection');
    if (!(minTtl >= 0)) throw new RangeError(`"minTtl" must be 0 seconds or more, got "${minTtl}".`);
    return cache.get(connection, minTtl);
  };
  const get = (connection: string, { minTtl = 60 }: GetOptions = NO_OPTIONS): Promise<CurrentToken> =>
    cache.fresh(connection, minTtl) ?? checked(connection, minTtl);
  const renew = (refused: CurrentToken) => cache.renew(refused);
  const tokens = { get, renew };
  return {
    ...tokens,
    fetch: (connection, path, init) => fetchWith(tokens, connection, path, init),
    fetchFor: connection => (input, init) => fetchWith(tokens, connection, input, init),
    interceptorFor: connection => interceptorWith(tokens, connection),
  };
};

const sourceOf = (within: ClientEnvironment, { source, fallback }: TokenClientOptions): TokenSource => {
  if (source) return fallback ? withFallback(source, fallback, within) : source;
  const { TOKENS_TABLE: table, TOKENS_API_URL: api } = within.env;
  if (!table && !api) {
    throw new TypeError(
      '"source" must be given, or TOKENS_TABLE or TOKENS_API_URL set: grants set them on a function.',
    );
  }
  if (!table) return apiSourceIn(within);
  const second = fallback ?? (api ? apiSourceIn(within) : undefined);
  return second ? withFallback(tableSourceIn(within), second, within) : tableSourceIn(within);
};
