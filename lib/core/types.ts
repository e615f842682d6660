import type { ErrorCode } from './errors.ts';
import type { Labels } from './labels.ts';

/** The words of the product as types. Times are epoch milliseconds, durations are milliseconds, everywhere. */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A moment, in epoch milliseconds. */
export type EpochMs = Brand<number, 'EpochMs'>;
/** A duration, in milliseconds. */
export type Milliseconds = number;
/** `<provider>/<name>`, or `<provider>/<name>/<key>` for one of many in a secret: `poweroffice-v2/acme/oslo`. */
export type ConnectionId = Brand<string, 'ConnectionId'>;
/** The fencing number of a connection: every claim adds one, every later write is conditional on it. */
export type Version = Brand<number, 'Version'>;
/** The id that the secret store gave to one version of a secret. */
export type SecretVersion = Brand<string, 'SecretVersion'>;

export const epochMs = (value: number): EpochMs => Math.round(value) as EpochMs;
export const plus = (moment: EpochMs, duration: Milliseconds): EpochMs => epochMs(moment + duration);
export const version = (value: number): Version => value as Version;
export const nextVersion = (after: number): Version => version(after + 1);
export const secretVersion = (value: string): SecretVersion => value as SecretVersion;

export const seconds = (n: number): Milliseconds => n * 1000;
export const minutes = (n: number): Milliseconds => n * 60_000;
export const hours = (n: number): Milliseconds => n * 3_600_000;

/** What consumers get: never written in part, so that token, headers and base URL always come from one grant. */
export interface Token {
  readonly connection: ConnectionId;
  readonly accessToken: string;
  /** As the field writes it: `Bearer`, or what the provider says. */
  readonly tokenType: string;
  /** The clock before the request that obtained it was sent. */
  readonly issuedAt: EpochMs;
  readonly expiresAt: EpochMs;
  /** Every header that a call to the provider's API needs. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where this token is to be used; no slash at its end. */
  readonly baseUrl: string;
  readonly version: Version;
}

/** A refresh token. Never the only copy of access if the secret can log in. An item of its own, which `refresh` alone reads. */
export interface Session {
  readonly refreshToken: string;
  /** When the provider will refuse it whatever happens; unknown if the provider does not say. */
  readonly endsAt?: EpochMs;
  /** The base URL of the token endpoint that issued it: it is revoked there. */
  readonly base: string;
  /** Fingerprint of the secret, the key in it, the address and the client that it was issued for: it is sent nowhere else. */
  readonly binding: string;
}

/** What the record of a connection says about its session. An item with an older version is not that session. */
export interface SessionNote {
  readonly version: Version;
  readonly endsAt?: EpochMs;
  /** Its refresh token, which no login can replace, was sent, and the answer is not known: it may be spent. */
  readonly inDoubt?: true;
}

export type Status = 'new' | 'healthy' | 'failing' | 'attention';

/** What is kept of a failure: codes and times, never a word of the provider. */
export interface Failure {
  readonly code: ErrorCode;
  readonly at: EpochMs;
  /** How many runs in a row ended with this code. */
  readonly times: number;
  /** When the first of them did; rejections without a verdict count as one code. */
  readonly since: EpochMs;
  /** The HTTP status of the answer, where there was one. */
  readonly status?: number;
  /** The names of the credential fields at fault, where the secret is. */
  readonly fields?: readonly string[];
}

/** The private record of a connection. */
export interface Connection {
  readonly connection: ConnectionId;
  readonly status: Status;
  /** The moment it next wants work; like a queue's visibility timeout while it is claimed. */
  readonly dueAt: EpochMs;
  readonly version: Version;
  /** Set by a claim, removed by its settle. One that lies in the past was left by a worker that died in between. */
  readonly leaseUntil?: EpochMs;
  /** Start and end of the published token's life. */
  readonly issuedAt?: EpochMs;
  readonly expiresAt?: EpochMs;
  /** Failed runs since the last success, and when the first of them was. */
  readonly failures: number;
  readonly failingSince?: EpochMs;
  readonly lastError?: Failure;
  /** When a person was first needed. */
  readonly attentionSince?: EpochMs;
  readonly session?: SessionNote;
  /** The version of the secret that exists, as discovery noted it: nobody else writes it. */
  readonly discoveredVersion?: SecretVersion;
  /** How many connections that version holds, as discovery counted them. */
  readonly secretKeys?: number;
  /** What that version says apart from credentials. */
  readonly labels?: Labels;
  /** The version of the secret that the last run read. */
  readonly usedVersion?: SecretVersion;
  /** The discovered version that the last run has dealt with, whichever it found and used. */
  readonly settledVersion?: SecretVersion;
  /** Fingerprint of the credentials that the last run used. */
  readonly credentials?: string;
  /** Fingerprint of the one-time code that was redeemed, where the provider has such a thing. */
  readonly redeemedCode?: string;
  /** When a consumer last forced a refresh. */
  readonly forcedAt?: EpochMs;
  /** The base URL of the token endpoint that granted the last token. */
  readonly base?: string;
  /** The origin of the API that consumers were sent to with that token. */
  readonly apiOrigin?: string;
  /** The secret is gone. The record stays until no late writer can be alive. */
  readonly retiredAt?: EpochMs;
  /** When the end of a retired connection began: from then on nothing of it may be used again. */
  readonly endingAt?: EpochMs;
  /** Another secret of that name is there, which waits for the end of this connection. */
  readonly replacedAt?: EpochMs;
  /** The token of a retired connection is withdrawn and its session is ended at the provider. */
  readonly endedAt?: EpochMs;
  /** What the watch has reported to people. */
  readonly reported?: Reported;
}

/** What people know about a connection already, so that they hear of each trouble once. */
export interface Reported {
  /** When the last mail was sent. */
  readonly at?: EpochMs;
  /** The troubles (`troublesOf`) that the connection had then. */
  readonly troubles: readonly string[];
  /** Those of which an event was published. */
  readonly published?: readonly string[];
}

/** What discovery notes of a secret on each of its connections. */
export type SecretNote = Required<Pick<Connection, 'discoveredVersion' | 'secretKeys' | 'labels'>>;

/** What a list shows of each connection: enough to judge what is due and how all are. A claim answers the whole record. */
export type Listed = Pick<
  Connection,
  | 'connection'
  | 'status'
  | 'dueAt'
  | 'version'
  | 'leaseUntil'
  | 'issuedAt'
  | 'expiresAt'
  | 'failures'
  | 'failingSince'
  | 'lastError'
  | 'attentionSince'
  | 'session'
  | 'base'
  | 'discoveredVersion'
  | 'secretKeys'
  | 'labels'
  | 'redeemedCode'
  | 'usedVersion'
  | 'settledVersion'
  | 'retiredAt'
  | 'endingAt'
  | 'replacedAt'
  | 'endedAt'
  | 'reported'
>;

const PROVIDER = /^[a-z0-9-]{1,40}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The id of a connection, or nothing if a part is malformed. Names and keys: 1–100 letters, digits, `.`, `_`, `-`. */
export const connectionId = (provider: string, name: string, key?: string): ConnectionId | undefined => {
  if (!PROVIDER.test(provider) || !NAME.test(name) || (key !== undefined && !NAME.test(key))) return undefined;
  return [provider, name, ...(key === undefined ? [] : [key])].join('/') as ConnectionId;
};

export const parseConnectionId = (text: string): ConnectionId | undefined => {
  const [provider, name, key, ...rest] = text.split('/');
  if (provider === undefined || name === undefined || rest.length > 0) return undefined;
  return connectionId(provider, name, key);
};

export const providerOf = (connection: ConnectionId): string => connection.slice(0, connection.indexOf('/'));

/** `<provider>/<name>`: the name, below the prefix, of the one secret that a connection can come from. */
export const secretOf = (connection: ConnectionId): string => connection.split('/', 2).join('/');

/** The key within its secret; nothing for a secret that holds one connection. */
export const keyOf = (connection: ConnectionId): string | undefined => connection.split('/')[2];
