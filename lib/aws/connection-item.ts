import * as z from 'zod';
import { errorCodes } from '../core/errors.ts';
import type { Labels } from '../core/labels.ts';
import { shardOf } from '../core/shard.ts';
import {
  type Connection,
  type ConnectionId,
  type Failure,
  type Listed,
  providerOf,
  type Reported,
  type SecretVersion,
  secretVersion,
} from '../core/types.ts';
import type { ConnectionSummary, Settlement } from '../ports.ts';
import { connectionIdSchema, type Item, momentSchema, type SchemaOf, toItem, versionSchema } from './item.ts';

const secretVersionSchema: z.ZodType<SecretVersion> = z.string().transform(secretVersion);

const failureSchema: SchemaOf<Failure> = z.object({
  // After a rollback, a code of the newer release must not make the whole record unreadable.
  code: z.enum(errorCodes).catch('internal_error'),
  at: momentSchema,
  times: z.int().min(1).catch(1),
  since: momentSchema,
  status: z.int().exactOptional(),
  fields: z.array(z.string()).exactOptional(),
});

const labelsSchema: SchemaOf<Labels> = z.object({
  expires: momentSchema.exactOptional(),
  tags: z.record(z.string(), z.string()).exactOptional(),
});

/** Only the watch writes this: if it cannot be read, news is reported twice. */
const reportedSchema: SchemaOf<Reported> = z.object({
  at: momentSchema.exactOptional(),
  troubles: z.array(z.string()),
  published: z.array(z.string()).exactOptional(),
});

/** A stored record of the table `Connections`, without `shard`, `claimId` and `waiters`, which only the table uses. */
export const connectionSchema: SchemaOf<Connection> = z.object({
  connection: connectionIdSchema,
  status: z.enum(['new', 'healthy', 'failing', 'attention']),
  dueAt: momentSchema,
  version: versionSchema,
  leaseUntil: momentSchema.exactOptional(),
  issuedAt: momentSchema.exactOptional(),
  expiresAt: momentSchema.exactOptional(),
  failures: z.int().min(0),
  failingSince: momentSchema.exactOptional(),
  lastError: failureSchema.exactOptional(),
  attentionSince: momentSchema.exactOptional(),
  session: z
    .object({
      version: versionSchema,
      endsAt: momentSchema.exactOptional(),
      inDoubt: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  discoveredVersion: secretVersionSchema.exactOptional(),
  secretKeys: z.int().min(0).exactOptional(),
  labels: labelsSchema.exactOptional(),
  usedVersion: secretVersionSchema.exactOptional(),
  settledVersion: secretVersionSchema.exactOptional(),
  credentials: z.string().exactOptional(),
  redeemedCode: z.string().exactOptional(),
  forcedAt: momentSchema.exactOptional(),
  base: z.string().exactOptional(),
  apiOrigin: z.string().exactOptional(),
  retiredAt: momentSchema.exactOptional(),
  endingAt: momentSchema.exactOptional(),
  replacedAt: momentSchema.exactOptional(),
  endedAt: momentSchema.exactOptional(),
  reported: reportedSchema.exactOptional(),
});

/** Every field of a summary: the compiler reports a missing one. */
const shown: Readonly<Record<keyof ConnectionSummary, true>> = {
  connection: true,
  status: true,
  dueAt: true,
  issuedAt: true,
  expiresAt: true,
  failures: true,
  failingSince: true,
  lastError: true,
  retiredAt: true,
  session: true,
  labels: true,
};
export const summarySchema: SchemaOf<ConnectionSummary> = connectionSchema.pick(shown);
export const summaryFields: readonly string[] = Object.keys(shown);

/** Every field of a list. */
const listed: Readonly<Record<keyof Listed, true>> = {
  connection: true,
  status: true,
  dueAt: true,
  version: true,
  leaseUntil: true,
  issuedAt: true,
  expiresAt: true,
  failures: true,
  failingSince: true,
  lastError: true,
  attentionSince: true,
  session: true,
  base: true,
  discoveredVersion: true,
  secretKeys: true,
  labels: true,
  redeemedCode: true,
  usedVersion: true,
  settledVersion: true,
  retiredAt: true,
  endingAt: true,
  replacedAt: true,
  endedAt: true,
  reported: true,
};
export const listedSchema: SchemaOf<Listed> = connectionSchema.pick(listed);
export const listedFields: readonly string[] = Object.keys(listed);

/** Every field of a settlement: the compiler reports a missing one. */
const settled: Readonly<Record<keyof Settlement, true>> = {
  status: true,
  dueAt: true,
  leaseUntil: true,
  failures: true,
  issuedAt: true,
  expiresAt: true,
  failingSince: true,
  lastError: true,
  attentionSince: true,
  session: true,
  base: true,
  apiOrigin: true,
  settledVersion: true,
  usedVersion: true,
  credentials: true,
  redeemedCode: true,
};

/** Writes the fields of a settlement and removes absent ones: usually the lease, which ends the claim. */
export const settlementUpdate = (settlement: Settlement): string => {
  const fields = Object.keys(settled);
  const present = fields.filter(field => Reflect.get(settlement, field) !== undefined);
  const absent = fields.filter(field => !present.includes(field));
  const set = present.map(field => `#${field} = :${field}`).join(', ');
  return `SET ${set} REMOVE ${[...absent, 'claimId', 'waiters'].map(field => `#${field}`).join(', ')}`;
};

/** The values of a settlement's own fields, without any others of the object. */
export const settlementValues = (settlement: Settlement): Record<string, unknown> =>
  Object.fromEntries(Object.keys(settled).map(field => [field, Reflect.get(settlement, field)]));

/** The partition key of a provider's shard. */
export const shardKey = (provider: string, shard: number): string => `${provider}#${shard}`;

export const connectionKey = (connection: ConnectionId): Item =>
  toItem({ shard: shardKey(providerOf(connection), shardOf(connection)), connection });
