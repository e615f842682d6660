import * as z from 'zod';
import { AwsError } from './json-api.ts';
import type { SecretStore, StoredSecret } from './secret-store.ts';
import { stagesById } from './secret-versions.ts';

const filterSchema = z.object({
  Key: z.enum(['name', 'description', 'tag-key', 'tag-value', 'all']),
  Values: z.array(z.string().min(1).max(512)).min(1).max(10),
});

export const listSchema = z.object({
  Filters: z.array(filterSchema).max(10).optional(),
  IncludePlannedDeletion: z.boolean().optional(),
  MaxResults: z.int().min(1).max(100).optional(),
  NextToken: z.string().optional(),
});

type Filter = z.infer<typeof filterSchema>;

/** As in the service, a filter's value matches the beginning of any word in the text. */
const matchesText = (text: string, value: string): boolean =>
  [...text.matchAll(/(?<![A-Za-z0-9])[A-Za-z0-9]/g)].some(({ index }) => text.startsWith(value, index));

const searched = (secret: StoredSecret, key: Filter['Key']): string[] => {
  const byKey = {
    name: [secret.name],
    description: [secret.description],
    'tag-key': secret.tags.map(tag => tag.Key),
    'tag-value': secret.tags.map(tag => tag.Value),
  };
  return key === 'all' ? Object.values(byKey).flat() : byKey[key];
};

/** One matching value of a filter is enough; a value after `!` must not match. */
const passes = (secret: StoredSecret, { Key, Values }: Filter): boolean =>
  Values.some(value => {
    const negated = value.startsWith('!');
    const wanted = negated ? value.slice(1) : value;
    return searched(secret, Key).some(text => matchesText(text, wanted)) !== negated;
  });

const readToken = (token: string): number => {
  const sequence = Number(Buffer.from(token, 'base64url').toString());
  if (Number.isSafeInteger(sequence) && sequence > 0) return sequence;
  throw new AwsError('InvalidNextTokenException', 'The NextToken value is invalid.');
};

export const describeSecret = (secret: StoredSecret) => ({
  ARN: secret.arn,
  Name: secret.name,
  Description: secret.description,
  Tags: secret.tags,
  // The protocol's times are seconds.
  CreatedDate: secret.createdAt / 1000,
  LastChangedDate: secret.changedAt / 1000,
  ...(secret.deleteAt !== undefined && { DeletedDate: secret.deleteAt / 1000 }),
});

/** One page of secrets, in order of creation. */
export const listSecrets = (store: SecretStore, input: z.infer<typeof listSchema>) => {
  const after = input.NextToken === undefined ? 0 : readToken(input.NextToken);
  const size = input.MaxResults ?? 100;
  const found = store
    .all()
    .filter(secret => secret.sequence > after)
    .filter(secret => input.IncludePlannedDeletion || secret.deleteAt === undefined)
    .filter(secret => (input.Filters ?? []).every(filter => passes(secret, filter)))
    .sort((a, b) => a.sequence - b.sequence);
  const page = found.slice(0, size);
  const last = page.at(-1);
  return {
    SecretList: page.map(secret => ({ ...describeSecret(secret), SecretVersionsToStages: stagesById(secret) })),
    ...(last && found.length > size && { NextToken: Buffer.from(String(last.sequence)).toString('base64url') }),
  };
};
