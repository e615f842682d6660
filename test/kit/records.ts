import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  epochMs,
  parseConnectionId,
  type SecretNote,
  type Session,
  secretVersion,
  type Token,
  type Version,
  version,
} from '../../lib/core/types.ts';
import type { Revival } from '../../lib/ports.ts';
import type { SweepReport } from '../../lib/refresh/sweep.ts';

/** The start of every test. */
export const START = epochMs(1_700_000_000_000);

/** The version of the n-th claim of a record that discovery made at `START`. */
export const nth = (n: number): Version => version(START / 1000 + n);

/** `name` is `<name>` or `<name>/<key>`. */
export const idOf = (name: string, provider = 'test-provider'): ConnectionId => {
  const id = parseConnectionId(`${provider}/${name}`);
  if (!id) throw new Error(`${provider}/${name} is not an id`);
  return id;
};

/** A record with every field, including nested ones: the compiler requires new fields here. */
export type Full<T> = [T] extends [string | number | boolean]
  ? T
  : T extends readonly (infer Each)[]
    ? readonly Full<Each>[]
    : string extends keyof T
      ? T
      : { readonly [Field in keyof Required<T>]: Full<Required<T>[Field]> };

const fullToken = (connection: ConnectionId): Full<Token> => ({
  connection,
  accessToken: 'access-token',
  tokenType: 'Bearer',
  issuedAt: START,
  expiresAt: epochMs(START + 600_000),
  headers: { authorization: 'Bearer access-token', 'x-organisation': 'ö 1' },
  baseUrl: 'https://api.example.com/v1',
  version: version(1),
});

export const tokenFor = (connection: ConnectionId, change: Partial<Token> = {}): Token => ({
  ...fullToken(connection),
  ...change,
});

export const fullSession: Full<Session> = {
  refreshToken: 'refresh-token',
  endsAt: epochMs(START + 3_600_000),
  base: 'https://login.example.com',
  binding: 'binding',
};

export const fullConnection = (connection: ConnectionId): Full<Connection> => ({
  connection,
  status: 'attention',
  dueAt: epochMs(START + 1),
  version: version(3),
  leaseUntil: epochMs(START + 2),
  issuedAt: epochMs(START + 3),
  expiresAt: epochMs(START + 4),
  failures: 5,
  failingSince: epochMs(START + 6),
  lastError: {
    code: 'invalid_client',
    at: epochMs(START + 7),
    since: epochMs(START + 5),
    times: 8,
    status: 401,
    fields: ['clientKey'],
  },
  attentionSince: epochMs(START + 9),
  session: { version: version(2), endsAt: epochMs(START + 10), inDoubt: true },
  discoveredVersion: secretVersion('noted'),
  secretKeys: 15,
  labels: { expires: epochMs(START + 18), tags: { customer: 'Acme' } },
  usedVersion: secretVersion('tried'),
  settledVersion: secretVersion('answered'),
  credentials: 'fingerprint of the credentials',
  redeemedCode: 'fingerprint',
  forcedAt: epochMs(START + 11),
  base: 'https://login.test',
  apiOrigin: 'https://api.test',
  retiredAt: epochMs(START + 12),
  endingAt: epochMs(START + 16),
  endedAt: epochMs(START + 13),
  replacedAt: epochMs(START + 14),
  reported: { at: epochMs(START + 17), troubles: ['attention@1'], published: ['expiring3@9'] },
});

/** Discovery's note of a secret with one connection. */
export const secretNoteOf = (of: string, secretKeys = 1): SecretNote => ({
  discoveredVersion: secretVersion(of),
  secretKeys,
  labels: {},
});

/** The revival of a connection whose secret was restored. */
export const revival = (at: EpochMs, change: Partial<Revival> = {}): Revival => ({
  at,
  ...secretNoteOf('restored'),
  from: 'retired',
  ...change,
});

/** A session as a run stores it. */
export const sessionOf = (change: Partial<Session> = {}): Session => ({
  refreshToken: 'refresh-token',
  base: 'https://login.example.com',
  binding: 'binding',
  ...change,
});

/** A connection as discovery adds it. */
export const connectionOf = (connection: ConnectionId, change: Partial<Connection> = {}): Connection => ({
  connection,
  status: 'new',
  dueAt: START,
  version: version(0),
  failures: 0,
  discoveredVersion: secretVersion('secret-version-1'),
  ...change,
});

/** A tick that refreshed the only connection. */
export const tickReport: SweepReport = {
  provider: 'petrosoft',
  connections: 1,
  due: 1,
  left: 0,
  results: { refreshed: 1, lost: 0, postponed: 0, unchanged: 0, failed: 0, attention: 0, retired: 0 },
  claimsFailed: 0,
  commitsFailed: 0,
  calls: 1,
  took: 1,
};
