import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { AwsError } from './json-api.ts';
import { wordsOfDisk } from './system-error.ts';

const versionSchema = z.object({
  id: z.string(),
  text: z.string().exactOptional(),
  /** As base64, the form in which it is sent. */
  binary: z.string().exactOptional(),
  stages: z.array(z.string()).readonly(),
  createdAt: z.number(),
});

const secretSchema = z.object({
  /** Grows with every secret: a page of a listing uses it to mark where the next page starts. */
  sequence: z.int(),
  arn: z.string(),
  name: z.string(),
  description: z.string(),
  tags: z.array(z.object({ Key: z.string(), Value: z.string() })).readonly(),
  createdAt: z.number(),
  changedAt: z.number(),
  /** Set while the secret is scheduled for deletion. */
  deleteAt: z.number().exactOptional(),
  versions: z.array(versionSchema).readonly(),
});

export type StoredVersion = Readonly<z.infer<typeof versionSchema>>;
export type StoredSecret = Readonly<z.infer<typeof secretSchema>>;
type Secrets = ReadonlyMap<string, StoredSecret>;

const load = (file: string): Secrets => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return new Map();
    throw error;
  }
  const secrets = z.array(secretSchema).parse(JSON.parse(text));
  return new Map(secrets.map(secret => [secret.name, secret]));
};

/** Readers of the file see the old state or the new one, even if the process is killed in between. */
const replaceFile = (file: string, secrets: Secrets): void => {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  try {
    writeFileSync(draft, JSON.stringify([...secrets.values()]), { mode: 0o600, flag: 'wx', flush: true });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
};

export type SecretStore = ReturnType<typeof createSecretStore>;

/** The secrets of the embedded Secrets Manager, in memory and, with a folder, in a file there. */
export const createSecretStore = (now: () => number, folder?: string) => {
  if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = folder === undefined ? undefined : join(folder, 'secrets.json');
  let refusal: string | undefined;
  let secrets: Secrets = file === undefined ? new Map() : load(file);

  // Write the file first: a secret that could not be stored must not be served.
  const commit = (next: Secrets): void => {
    try {
      if (file !== undefined) replaceFile(file, next);
    } catch (error) {
      refusal = wordsOfDisk(error);
      throw error;
    }
    refusal = undefined;
    secrets = next;
  };

  const existing = (): StoredSecret[] =>
    [...secrets.values()].filter(({ deleteAt }) => deleteAt === undefined || deleteAt > now());

  const find = (nameOrArn: string): StoredSecret | undefined =>
    existing().find(({ name, arn }) => name === nameOrArn || arn === nameOrArn);

  return {
    now,
    /** Why the last write failed; undefined if it succeeded. */
    refusal: () => refusal,
    all: existing,
    find,

    get: (nameOrArn: string): StoredSecret => {
      const secret = find(nameOrArn);
      if (secret) return secret;
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    },

    put: (secret: StoredSecret): void => commit(new Map(secrets).set(secret.name, secret)),

    delete: (name: string): void => commit(new Map([...secrets].filter(([other]) => other !== name))),

    create: (name: string, description: string, tags: StoredSecret['tags']): StoredSecret => ({
      sequence: Math.max(0, ...[...secrets.values()].map(({ sequence }) => sequence)) + 1,
      // The service adds six characters: an IAM policy can tell a re-created secret from the old one.
      arn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-${randomBytes(3).toString('hex')}`,
      name,
      description,
      tags,
      createdAt: now(),
      changedAt: now(),
      versions: [],
    }),
  };
};
