import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tokenView } from '../api/views.ts';
import { tokenTable } from '../aws/token-table.ts';
import { epochMs, parseConnectionId } from '../core/types.ts';

/** A valid token, the same as the HTTP API's answer. */
export interface CurrentToken {
  /** `<provider>/<name>` or `<provider>/<name>/<key>`. */
  readonly connection: string;
  /** The token itself. */
  readonly accessToken: string;
  /** Usually `Bearer`. */
  readonly tokenType: string;
  /** ISO 8601. */
  readonly issuedAt: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  /** Seconds. */
  readonly expiresIn: number;
  /** The headers to send, with the token among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The address of the API. */
  readonly baseUrl: string;
}

/**
 * `no_valid_token` depends on the provider and may pass; the other codes are errors of the caller or in the secrets.
 */
export type TokenErrorCode = 'malformed_connection' | 'unknown_connection' | 'no_valid_token';

/** The reason for the missing token; `code` is stable, the message is for people. */
export class TokenError extends Error {
  /** Always `TokenError`. */
  override readonly name = 'TokenError';
  /** Stable: for programs. */
  readonly code: TokenErrorCode;

  constructor(code: TokenErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Reads a connection's current token from the table `Tokens`. Throws a `TokenError` if there is none, and a
 * `RefresherError` (`store_failed`) if the table does not answer.
 */
export const readToken = async (client: DynamoDBClient, table: string, connection: string): Promise<CurrentToken> => {
  const id = parseConnectionId(connection);
  if (!id) throw new TokenError('malformed_connection', `"${connection}" is not "<provider>/<name>"`);
  const token = await tokenTable(client, table).get(id);
  if (!token)
    throw new TokenError('unknown_connection', `${id} has no token: there is no secret of it, or none that works`);
  const now = epochMs(Date.now());
  if (token.expiresAt > now) return tokenView(token, now);
  throw new TokenError('no_valid_token', `the token of ${id} died at ${new Date(token.expiresAt).toISOString()}`);
};
