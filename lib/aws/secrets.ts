import {
  GetSecretValueCommand,
  type GetSecretValueResponse,
  InvalidRequestException,
  paginateListSecrets,
  ResourceNotFoundException,
  type SecretListEntry,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { RefresherError } from '../core/errors.ts';
import { versionOf } from '../core/secret.ts';
import type { SecretVersion } from '../core/types.ts';
import type { SecretListing, SecretSource, SecretValue } from '../ports.ts';
import { guarded } from './failure.ts';

/** The stage of a secret's current version. Always sent: some stores have another default. */
const CURRENT = 'AWSCURRENT';

const valueSchema = z.object({
  ARN: z.string().min(1),
  VersionId: z.string(),
  SecretString: z.string().optional(),
  SecretBinary: z.instanceof(Uint8Array).optional(),
});

/**
 * A secret that does not exist, has no current value, or is scheduled for deletion (the same class as other faults).
 */
const isAbsent = (thrown: unknown): boolean =>
  thrown instanceof ResourceNotFoundException ||
  (thrown instanceof InvalidRequestException && /marked (for deletion|deleted)/i.test(thrown.message));

const readValue = (name: string, answer: GetSecretValueResponse): SecretValue | undefined => {
  const read = valueSchema.safeParse(answer);
  if (!read.success) throw new RefresherError('secret_unreadable', `the answer for ${name} has no ARN or no version`);
  const { ARN: arn, VersionId, SecretString, SecretBinary } = read.data;
  // The AWS CLI stores JSON as binary if called with --secret-binary, an easy mistake.
  const text = SecretString ?? (SecretBinary && new TextDecoder().decode(SecretBinary));
  return text === undefined ? undefined : { arn, version: versionOf(arn, VersionId), text };
};

const currentVersion = ({ ARN, SecretVersionsToStages }: SecretListEntry): SecretVersion | undefined => {
  const current = Object.entries(SecretVersionsToStages ?? {}).find(([, stages]) => stages.includes(CURRENT));
  return current && ARN !== undefined ? versionOf(ARN, current[0]) : undefined;
};

const listing = (entry: SecretListEntry, prefix: string): SecretListing | undefined => {
  // The filter matches the beginning of any word in a name, not only of the name.
  if (!entry.Name?.startsWith(prefix) || entry.DeletedDate) return undefined;
  const version = currentVersion(entry);
  return { name: entry.Name, ...(version !== undefined && { version }) };
};

/** The secrets of AWS Secrets Manager. */
export const secretsManager = (client: SecretsManagerClient): SecretSource => {
  const get = async (name: string): Promise<SecretValue | undefined> => {
    try {
      return readValue(name, await client.send(new GetSecretValueCommand({ SecretId: name, VersionStage: CURRENT })));
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw thrown;
    }
  };

  const list = async (prefix: string): Promise<SecretListing[]> => {
    const found: SecretListing[] = [];
    const filter = { Filters: [{ Key: 'name' as const, Values: [prefix] }], MaxResults: 100 };
    for await (const page of paginateListSecrets({ client }, filter)) {
      found.push(...(page.SecretList ?? []).map(entry => listing(entry, prefix)).filter(entry => entry !== undefined));
    }
    return found;
  };

  return {
    get: name => guarded('secret_unreadable', `read the secret ${name}`, () => get(name)),
    list: prefix => guarded('secret_unreadable', `list the secrets of ${prefix}`, () => list(prefix)),
  };
};
