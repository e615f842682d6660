import type { ErrorCode } from './errors.ts';

/** The words of the product as types. Times are epoch milliseconds, durations are milliseconds, everywhere. */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A moment, in epoch milliseconds. */
export type EpochMs = Brand<number, 'EpochMs'>;
/** A duration, in milliseconds. */
export type Milliseconds = number;
/** `<provider>/<name>`, for example `poweroffice-v2/acme`. */
export type ConnectionId = Brand<string, 'ConnectionId'>;
/** The fencing number of a connection: every claim adds one, every later write is conditional on it. */
export type Version = Brand<number, 'Version'>;
/** The id that the secret store gave to one version of a secret. */
export type SecretVersion = Brand<string, 'SecretVersion'>;

export const epochMs = (value: number): EpochMs => Math.round(value) as EpochMs;
export const plus = (moment: EpochMs, duration: Milliseconds): EpochMs => epochMs(moment + duration);
export const version = (value: number): Version => value as Version;
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

/** A refresh token. Never the only copy of access where the secret can log in. */
export interface Session {
  readonly refreshToken: string;
  /** When the provider will refuse it whatever happens; unknown where the provider does not say. */
  readonly endsAt?: EpochMs;
}

/** Where the credentials of a connection are: a secret, and within a secret of many connections the key. */
export interface SecretRef {
  readonly name: string;
  readonly key?: string;
  /** The secret also claims a name that another one has: discovery reads it anew each time. */
  readonly contested?: boolean;
}

export type Status = 'new' | 'healthy' | 'failing' | 'attention';

/** What is kept of a failure: codes and times, never a word of the provider. */
export interface Failure {
  readonly code: ErrorCode;
  readonly at: EpochMs;
  /** How many runs in a row ended with this code. */
  readonly times: number;
  /** The HTTP status of the answer, where there was one. */
  readonly status?: number;
  /** The names of the credential fields at fault, where the secret is. */
  readonly fields?: readonly string[];
}

/** The private record of a connection. */
export interface Connection {
  readonly connection: ConnectionId;
  readonly secret: SecretRef;
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
  readonly session?: Session;
  /** The version of the secret that exists, as discovery noted it: nobody else writes it. */
  readonly secretVersion?: SecretVersion;
  /** The version of the secret that the last run used. */
  readonly triedVersion?: SecretVersion;
  /** The noted version that the last run answered, whichever it found and used. */
  readonly answeredVersion?: SecretVersion;
  /** Fingerprint of the one-time code that was redeemed, where the provider has such a thing. */
  readonly redeemedCode?: string;
  /** When a consumer last forced a refresh. */
  readonly forcedAt?: EpochMs;
  /** The secret is gone; the record stays until no late writer can be alive. */
  readonly retiredAt?: EpochMs;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The id of a connection, or nothing where the name is not one: 1–100 letters, digits, `.`, `_`, `-`. */
export const connectionId = (provider: string, name: string): ConnectionId | undefined =>
  /^[a-z0-9-]{1,40}$/.test(provider) && NAME.test(name) ? (`${provider}/${name}` as ConnectionId) : undefined;

export const parseConnectionId = (text: string): ConnectionId | undefined => {
  const [provider, name, ...rest] = text.split('/');
  return provider && name && rest.length === 0 ? connectionId(provider, name) : undefined;
};

export const providerOf = (connection: ConnectionId): string => connection.slice(0, connection.indexOf('/'));
export const nameOf = (connection: ConnectionId): string => connection.slice(connection.indexOf('/') + 1);
