import type { ServerResponse } from 'node:http';
import * as z from 'zod';
import { AwsError, answerError, answerFailure, jsonAnswerOf } from './json-api.ts';
import { describeSecret, listSchema, listSecrets } from './secret-listing.ts';
import type { SecretStore, StoredSecret } from './secret-store.ts';
import { addVersion, findVersion, hasValue, holds, type NewVersion, stagesById } from './secret-versions.ts';

const DAY = 86_400_000;

const name = z.string().regex(/^[A-Za-z0-9/_+=.@-]{1,512}$/);
const target = { SecretId: z.string().min(1).max(2048) };
const value = {
  ClientRequestToken: z.string().min(32).max(64).optional(),
  SecretString: z.string().max(65_536).optional(),
  SecretBinary: z.base64().max(87_384).optional(),
};
const tags = z.array(z.object({ Key: z.string().min(1), Value: z.string().default('') })).max(50);

type Operation = (store: SecretStore, body: unknown) => object;

/** An operation that only gets valid input. */
const operation =
  <T>(schema: z.ZodType<T>, run: (store: SecretStore, input: T) => object): Operation =>
  (store, body) => {
    const input = schema.safeParse(body);
    if (input.success) return run(store, input.data);
    const [issue] = input.error.issues;
    throw new AwsError('InvalidParameterException', `${issue?.path.join('.')}: ${issue?.message}`);
  };

const onlyOneValue = (input: NewVersion): void => {
  if (input.SecretString === undefined || input.SecretBinary === undefined) return;
  throw new AwsError('InvalidParameterException', "You can't specify both a binary secret value and a string.");
};

const refuseDeleted = (secret: StoredSecret): StoredSecret => {
  if (secret.deleteAt === undefined) return secret;
  const message = "You can't perform this operation on the secret because it was marked for deletion.";
  throw new AwsError('InvalidRequestException', message);
};

const identity = ({ arn, name: Name }: StoredSecret) => ({ ARN: arn, Name });

const createSchema = z.object({ Name: name, Description: z.string().optional(), Tags: tags.optional(), ...value });

const create = operation(createSchema, (store, input) => {
  onlyOneValue(input);
  const existing = store.find(input.Name);
  if (existing?.deleteAt !== undefined) {
    const message = "You can't create this secret because a secret with this name is already scheduled for deletion.";
    throw new AwsError('InvalidRequestException', message);
  }
  const repeated = existing?.versions.find(({ id }) => id === input.ClientRequestToken);
  if (existing && repeated && holds(repeated, input)) return { ...identity(existing), VersionId: repeated.id };
  if (existing) {
    const message = `The operation failed because the secret ${input.Name} already exists.`;
    throw new AwsError('ResourceExistsException', message);
  }
  const empty = store.create(input.Name, input.Description ?? '', input.Tags ?? []);
  if (!hasValue(input)) {
    store.put(empty);
    return identity(empty);
  }
  const { secret, version } = addVersion(empty, input, store.now());
  store.put(secret);
  return { ...identity(secret), VersionId: version.id };
});

const stages = z.array(z.string().min(1).max(256)).min(1).max(20);

const put = operation(z.object({ ...target, ...value, VersionStages: stages.optional() }), (store, input) => {
  onlyOneValue(input);
  if (!hasValue(input)) {
    throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
  }
  const { secret, version } = addVersion(refuseDeleted(store.get(input.SecretId)), input, store.now());
  store.put(secret);
  const { stages: VersionStages } = version;
  return { ...identity(secret), VersionId: version.id, VersionStages };
});

const update = operation(z.object({ ...target, ...value, Description: z.string().optional() }), (store, input) => {
  onlyOneValue(input);
  const found = refuseDeleted(store.get(input.SecretId));
  const described = { ...found, description: input.Description ?? found.description, changedAt: store.now() };
  if (!hasValue(input)) {
    store.put(described);
    return identity(described);
  }
  const { secret, version } = addVersion(described, input, store.now());
  store.put(secret);
  return { ...identity(secret), VersionId: version.id };
});

const getSchema = z.object({ ...target, VersionId: z.string().optional(), VersionStage: z.string().optional() });

const getValue = operation(getSchema, (store, input) => {
  const secret = refuseDeleted(store.get(input.SecretId));
  const version = findVersion(secret, input);
  return {
    ...identity(secret),
    VersionId: version.id,
    VersionStages: version.stages,
    CreatedDate: version.createdAt / 1000,
    SecretString: version.text,
    SecretBinary: version.binary,
  };
});

const describe = operation(z.object(target), (store, { SecretId }) => {
  const secret = store.get(SecretId);
  return { ...describeSecret(secret), VersionIdsToStages: stagesById(secret) };
});

const deleteSchema = z.object({
  ...target,
  RecoveryWindowInDays: z.int().min(7).max(30).optional(),
  ForceDeleteWithoutRecovery: z.boolean().optional(),
});

const remove = operation(deleteSchema, (store, { SecretId, RecoveryWindowInDays, ForceDeleteWithoutRecovery }) => {
  if (ForceDeleteWithoutRecovery) {
    if (RecoveryWindowInDays !== undefined) {
      const message = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
      throw new AwsError('InvalidParameterException', message);
    }
    // Deleting a missing secret without recovery succeeds, as in the service.
    const secret = store.find(SecretId);
    if (secret) store.delete(secret.name);
    return { ...(secret ? identity(secret) : { Name: SecretId }), DeletionDate: store.now() / 1000 };
  }
  const secret = refuseDeleted(store.get(SecretId));
  const deleteAt = store.now() + (RecoveryWindowInDays ?? 30) * DAY;
  store.put({ ...secret, deleteAt });
  return { ...identity(secret), DeletionDate: deleteAt / 1000 };
});

const restore = operation(z.object(target), (store, { SecretId }) => {
  const { deleteAt: _, ...secret } = store.get(SecretId);
  store.put(secret);
  return identity(secret);
});

const operations: ReadonlyMap<string, Operation> = new Map([
  ['CreateSecret', create],
  ['DeleteSecret', remove],
  ['DescribeSecret', describe],
  ['GetSecretValue', getValue],
  ['ListSecrets', operation(listSchema, listSecrets)],
  ['PutSecretValue', put],
  ['RestoreSecret', restore],
  ['UpdateSecret', update],
]);

/** Answers one request of the JSON-1.1 protocol; `operation` is the part after the dot in `x-amz-target`. */
export type SecretsManager = (operation: string, body: string, response: ServerResponse) => void;

/** The part of Secrets Manager that this project and its tests use. */
export const createSecretsManager = (store: SecretStore): SecretsManager => {
  const parse = (body: string): unknown => {
    try {
      return JSON.parse(body);
    } catch {
      throw new AwsError('SerializationException', 'The body is not JSON.');
    }
  };
  return (operationName, body, response) => {
    try {
      const run = operations.get(operationName);
      if (!run) throw new AwsError('UnknownOperationException', `${operationName} is not emulated.`);
      jsonAnswerOf(response, 200, run(store, parse(body)));
    } catch (thrown) {
      if (thrown instanceof AwsError) answerError(response, thrown);
      else answerFailure(response, 'InternalServiceError', store.refusal() ?? 'The emulator failed.');
    }
  };
};
