import { NEVER } from '../core/policy.ts';
import type { Connection, EpochMs, Token } from '../core/types.ts';

const iso = (moment: EpochMs): string => new Date(moment).toISOString();

/** What `GET /tokens/{provider}/{name}` answers. `expiresIn` in whole seconds, rounded down. */
export const tokenView = (token: Token, now: EpochMs) => ({
  connection: token.connection,
  accessToken: token.accessToken,
  tokenType: token.tokenType,
  issuedAt: iso(token.issuedAt),
  expiresAt: iso(token.expiresAt),
  expiresIn: Math.floor((token.expiresAt - now) / 1000),
  headers: token.headers,
  baseUrl: token.baseUrl,
});

/** One line of `GET /connections`: states, times and codes; never a token. `expired`: healthy, but its token has died. */
export const connectionView = (connection: Connection, now: EpochMs) => {
  const { issuedAt, expiresAt, dueAt, failingSince, lastError } = connection;
  const expired = connection.status === 'healthy' && (expiresAt === undefined || expiresAt <= now);
  return {
    connection: connection.connection,
    status: expired ? ('expired' as const) : connection.status,
    issuedAt: issuedAt === undefined ? null : iso(issuedAt),
    expiresAt: expiresAt === undefined ? null : iso(expiresAt),
    dueAt: dueAt === NEVER ? null : iso(dueAt),
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
  };
};
export type ConnectionView = ReturnType<typeof connectionView>;
