/** The keys of the two tables. No SDK is imported here: an app that deploys the tables need not have one. */

/** The names of the two tables. */
export interface TableNames {
  readonly tokens: string;
  readonly connections: string;
}

/** The attributes of a table's key, all strings: the partition key and, if there is one, the sort key. */
export interface KeySchema {
  readonly partition: string;
  readonly sort?: string;
}

export const tableKeys: Readonly<Record<keyof TableNames, KeySchema>> = {
  tokens: { partition: 'connection' },
  connections: { partition: 'shard', sort: 'connection' },
};

/** The attribute, in epoch seconds, after which DynamoDB deletes an item of `Connections`. Only rate limits have it. */
export const REMOVE_AT = 'removeAt';

// Separate partitions of `Connections`: a role that lists connections cannot read sessions or the fingerprints of
// logins, nor use up rate limits.

export const sessionShard = (provider: string): string => `${provider}#sessions`;
export const loginShard = (provider: string): string => `${provider}#logins`;
export const limitShard = (provider: string): string => `${provider}#limits`;
