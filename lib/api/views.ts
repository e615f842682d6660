import type { EpochMs, Token } from '../core/types.ts';
import type { ConnectionSummary } from '../ports.ts';
import type { ConnectionView, TokenView } from './answers.ts';
import type { ConnectionStatus } from './parameters.ts';

const iso = (moment: EpochMs): string => new Date(moment).toISOString();

/** The answer of `GET /tokens/…`. `expiresIn` in whole seconds, rounded down. */
export const tokenView = (token: Token, now: EpochMs): TokenView => ({
  connection: token.connection,
  accessToken: token.accessToken,
  tokenType: token.tokenType,
  issuedAt: iso(token.issuedAt),
  expiresAt: iso(token.expiresAt),
  expiresIn: Math.floor((token.expiresAt - now) / 1000),
  headers: token.headers,
  baseUrl: token.baseUrl,
});

const statusOf = ({ status, expiresAt }: ConnectionSummary, now: EpochMs): ConnectionStatus =>
  status === 'healthy' && (expiresAt === undefined || expiresAt <= now) ? 'expired' : status;

/** One line of `GET /connections`: states, times and codes; never a token. */
export const connectionView = (connection: ConnectionSummary, now: EpochMs): ConnectionView => {
  const { issuedAt, expiresAt, dueAt, failingSince, lastError, session, labels } = connection;
  return {
    connection: connection.connection,
    status: statusOf(connection, now),
    issuedAt: issuedAt === undefined ? null : iso(issuedAt),
    expiresAt: expiresAt === undefined ? null : iso(expiresAt),
    dueAt: iso(dueAt),
    failures: connection.failures,
    failingSince: failingSince === undefined ? null : iso(failingSince),
    lastError: lastError
      ? {
          code: lastError.code,
          at: iso(lastError.at),
          ...(lastError.status !== undefined && { status: lastError.status }),
          ...(lastError.fields && { fields: lastError.fields }),
        }
      : null,
    credentialsExpireAt: labels?.expires === undefined ? null : iso(labels.expires),
    sessionEndsAt: session?.endsAt === undefined ? null : iso(session.endsAt),
    tags: labels?.tags ?? {},
  };
};
