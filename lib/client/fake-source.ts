import type { ClientEnvironment } from './environment.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';
import { type CurrentToken, type TokenSource, tokenIn } from './token.ts';

/** What a connection has in a test: a token, or the code of the error that reading it throws. */
export type FakeToken = Partial<Omit<CurrentToken, 'connection'>> | TokenErrorCode;

/** A source for unit tests. */
export interface FakeSource extends TokenSource {
  /** Replaces what a connection has. */
  set(connection: string, token: FakeToken): void;
  /**
   * The tokens that were refused, in order. Each one is followed by a newer one: `fake-token-2`, `fake-token-3`, …, with
   * the same type and headers, in which it takes the place of the refused one.
   */
  readonly refused: readonly CurrentToken[];
}

const LIFE = 3_600_000;

export const fakeSourceIn = (
  { now }: Pick<ClientEnvironment, 'now'>,
  connections: Readonly<Record<string, FakeToken>> = {},
): FakeSource => {
  const held = new Map<string, CurrentToken | TokenErrorCode>();
  const refused: CurrentToken[] = [];

  const set = (connection: string, token: FakeToken) => {
    if (typeof token === 'string') return void held.set(connection, token);
    // A token that has expired already was issued before that.
    const { expiresAt = Number.POSITIVE_INFINITY } = token;
    const { accessToken = 'fake-token-1', issuedAt = Math.min(now(), expiresAt - 1), ...given } = token;
    const made = tokenIn(connection, {
      ...{ connection, accessToken, tokenType: 'Bearer', issuedAt, expiresAt: issuedAt + LIFE },
      ...{ headers: { Authorization: `Bearer ${accessToken}` }, baseUrl: 'http://127.0.0.1' },
      ...given,
    });
    if (!made) throw new TypeError(`The token of ${connection} must have the fields of a token.`);
    held.set(connection, made);
  };
  for (const [connection, token] of Object.entries(connections)) set(connection, token);

  const get = async (connection: string): Promise<CurrentToken> => {
    const token = held.get(connection) ?? 'unknown_connection';
    if (typeof token === 'string') throw new TokenError(token, connection, 'the test says so');
    return token;
  };

  return {
    refused,
    set,
    get,
    renew: async token => {
      refused.push(token);
      const current = await get(token.connection);
      if (current.issuedAt > token.issuedAt) return current;
      const { connection, issuedAt, expiresAt } = current;
      const accessToken = `fake-token-${refused.length + 1}`;
      const renewed = (text: string) => text.replaceAll(current.accessToken, accessToken);
      const headers = Object.fromEntries(Object.entries(current.headers).map(([name, text]) => [name, renewed(text)]));
      set(connection, { ...current, accessToken, headers, issuedAt: issuedAt + 1, expiresAt: expiresAt + 1 });
      return get(connection);
    },
  };
};
