import type { ErrorCode } from './errors.ts';
import type { Labels } from './labels.ts';

/** The types of the product. All times are epoch milliseconds, all durations milliseconds. */

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

/** What consumers get. Always written as a whole: token, headers and base URL come from one grant. */
export interface Token {
  readonly connection: ConnectionId;
  readonly accessToken: string;
  /** `Bearer` in this spelling, or what the provider sends. */
  readonly tokenType: string;
  /** Our clock before the request for it was sent. */
  readonly issuedAt: EpochMs;
  readonly expiresAt: EpochMs;
  /** Every header that a call to the provider's API needs. */
  readonly headers: Readonly<Record<string, string>>;
  /** The base URL for calls with this token; without a slash at the end. */
  readonly baseUrl: string;
  readonly version: Version;
}

/**
 * A refresh token. Never the only copy of access if the secret can log in. An item of its own, which only `refresh`
 * reads.
 */
export interface Session {
  readonly refreshToken: string;
  /** After this the provider refuses it; absent if the provider does not state it. */
  readonly endsAt?: EpochMs;
  /** The base URL of the token endpoint that issued it, where it is revoked. */
  readonly base: string;
  /** Fingerprint of the secret, its key, the address and the client that it was issued for: it is sent nowhere else. */
  readonly binding: string;
}

/** What the record of a connection says about its session. An item with an older version is not that session. */
export interface SessionNote {
  readonly version: Version;
  readonly endsAt?: EpochMs;
  /** Its refresh token, which no login can replace, was sent and the answer is not known: it may be spent. */
  readonly inDoubt?: true;
}

export type Status = 'new' | 'healthy' | 'failing' | 'attention';

/** What is stored about a failure: codes and times, never a word of the provider. */
export interface Failure {
  readonly code: ErrorCode;
  readonly at: EpochMs;
  /** How many runs in a row ended with this code. */
  readonly times: number;
  /** When the first of them ended; rejections without a verdict count as one code. */
  readonly since: EpochMs;
  /** The HTTP status of the answer, if there was one. */
  readonly status?: number;
  /** The names of the bad credential fields, if the secret is at fault. */
  readonly fields?: readonly string[];
}

/** The private record of a connection. */
export interface Connection {
  readonly connection: ConnectionId;
  readonly status: Status;
  /** When it next needs work. While it is claimed, the end of the lease, like a queue's visibility timeout. */
  readonly dueAt: EpochMs;
  readonly version: Version;
  /** Set by a claim, removed by its settle. A past value was left by a worker that crashed in between. */
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
  /** The current version of the secret, written by discovery only. */
  readonly discoveredVersion?: SecretVersion;
  /** How many connections that version holds, as discovery counted them. */
  readonly secretKeys?: number;
  /** The labels in that version. */
  readonly labels?: Labels;
  /** The version of the secret that the last run read. */
  readonly usedVersion?: SecretVersion;
  /** The discovered version that the last run dealt with, even if it read and used another one. */
  readonly settledVersion?: SecretVersion;
  /** Fingerprint of the credentials that the last run used. */
  readonly credentials?: string;
  /** Fingerprint of the redeemed one-time code, if the provider has such codes. */
  readonly redeemedCode?: string;
  /** When a consumer last forced a refresh. */
  readonly forcedAt?: EpochMs;
  /** The base URL of the token endpoint that granted the last token. */
  readonly base?: string;
  /** The origin of the API that consumers call with that token. */
  readonly apiOrigin?: string;
  /** The secret is gone. The record stays until no earlier writer can still be running. */
  readonly retiredAt?: EpochMs;
  /** When the end of a retired connection began: from then on nothing of it may be used again. */
  readonly endingAt?: EpochMs;
  /** Another secret with the same name exists and waits for the end of this connection. */
  readonly replacedAt?: EpochMs;
  /** The token of a retired connection is withdrawn and its session ended at the provider. */
  readonly endedAt?: EpochMs;
  /** What the watch has reported to people. */
  readonly reported?: Reported;
}

/** What was reported about a connection: each trouble is reported once. */
export interface Reported {
  /** When the last mail was sent. */
  readonly at?: EpochMs;
  /** The troubles (`troublesOf`) at that time. */
  readonly troubles: readonly string[];
  /** The troubles with a published event. */
  readonly published?: readonly string[];
}

/** What discovery notes of a secret on each of its connections. */
export type SecretNote = Required<Pick<Connection, 'discoveredVersion' | 'secretKeys' | 'labels'>>;

/**
 * What a list contains of each connection: enough to judge it and to find what is due. A claim returns the whole
 * record.
 */
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

/** The longest `minTtl` of a reader, in seconds. */
export const LONGEST_MIN_TTL = 86_400;

/** The format of the items in `Tokens`: docs/consuming.md. A change that breaks readers gets another number. */
export const TOKEN_FORMAT = 1;

/** The parts of a connection's id. */
export const PROVIDER = /^[a-z0-9-]{1,40}$/;
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * The id of a connection, or undefined if a part is malformed. Names and keys: 1–100 letters, digits, `.`, `_`, `-`.
 */
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

/** `<provider>/<name>`: the name, after the prefix, of the only secret that can hold a connection. */
export const secretOf = (connection: ConnectionId): string => connection.split('/', 2).join('/');

/** The key within its secret; undefined if the secret holds one connection. */
export const keyOf = (connection: ConnectionId): string | undefined => connection.split('/')[2];
