import { isObject } from '../core/json.ts';

/** A current token. Frozen: all callers share it. */
export interface CurrentToken {
  /** `<provider>/<name>` or `<provider>/<name>/<key>`. */
  readonly connection: string;
  /** The token itself; `headers` has it in the right place. */
  readonly accessToken: string;
  /** Usually `Bearer`. */
  readonly tokenType: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Every header that a request to the provider's API needs. */
  readonly headers: Readonly<Record<string, string>>;
  /** What requests with this token begin with; without a slash at the end. */
  readonly baseUrl: string;
}

/** Where tokens come from: `tableSource`, `apiSource`, `fakeSource`. */
export interface TokenSource {
  /** The current token, valid for `minTtl` seconds if there is or can be one. Throws a `TokenError`. */
  get(connection: string, options: SourceOptions): Promise<CurrentToken>;
  /** A newer token than the one that the provider refused; undefined if there is none yet. Throws a `TokenError`. */
  renew(refused: CurrentToken): Promise<CurrentToken | undefined>;
}

/** How the client calls a source. */
export interface SourceOptions {
  /** In seconds. */
  readonly minTtl: number;
  /** `short` if a valid token is held: it is used if the answer takes long. */
  readonly patience: 'short' | 'long';
}

/**
 * The token of a connection in an answer, or undefined if the answer has another form, or is of another connection.
 * Times are epoch milliseconds.
 */
export const tokenIn = (connection: string, value: Readonly<Record<string, unknown>>): CurrentToken | undefined => {
  const { accessToken, tokenType, issuedAt, expiresAt, headers, baseUrl } = value;
  if (value.connection !== connection || !isSendable(accessToken) || !isSendable(tokenType)) return;
  if (!isMoment(issuedAt) || !isMoment(expiresAt) || !isHeaders(headers) || !isBaseUrl(baseUrl)) return;
  if (accessToken === '' || expiresAt <= issuedAt) return;
  const frozen = Object.freeze({ ...headers });
  return Object.freeze({ connection, accessToken, tokenType, issuedAt, expiresAt, headers: frozen, baseUrl });
};

const isMoment = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** `fetch` goes neither to `data:`, nor to an address with a password (Fetch standard, HTTP-redirect fetch). */
export const isFetchable = ({ protocol, username, password }: URL): boolean =>
  (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';

const isBaseUrl = (value: unknown): value is string =>
  typeof value === 'string' && URL.canParse(value) && isFetchable(new URL(value));

/** What `fetch` cannot send in a header is refused here: it would quote the token in its error. */
const isSendable = (value: unknown): value is string =>
  typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

const isHeaders = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) &&
  Object.entries(value).every(([name, text]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && isSendable(text));
