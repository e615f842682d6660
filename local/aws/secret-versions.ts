import { randomUUID } from 'node:crypto';
import { AwsError } from './json-api.ts';
import type { StoredSecret, StoredVersion } from './secret-store.ts';

export const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';

/** As many versions as the service keeps, with or without a stage. */
const KEPT = 100;

export interface NewVersion {
  readonly ClientRequestToken?: string | undefined;
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: string | undefined;
  readonly VersionStages?: readonly string[] | undefined;
}

export const hasValue = ({ SecretString, SecretBinary }: NewVersion): boolean =>
  SecretString !== undefined || SecretBinary !== undefined;

export const holds = (version: StoredVersion, value: NewVersion): boolean =>
  version.text === value.SecretString && version.binary === value.SecretBinary;

/** The stages that an older version keeps once a newer one has `taken`. */
const afterwards = ({ stages }: StoredVersion, taken: readonly string[]): string[] => {
  const moves = taken.includes(CURRENT);
  const left = stages.filter(stage => !taken.includes(stage) && !(moves && stage === PREVIOUS));
  return moves && stages.includes(CURRENT) ? [...left, PREVIOUS] : left;
};

/** Adds a version and moves the stages; a request repeated with its token changes nothing. */
export const addVersion = (
  secret: StoredSecret,
  value: NewVersion,
  now: number,
): { readonly secret: StoredSecret; readonly version: StoredVersion } => {
  const same = secret.versions.find(({ id }) => id === value.ClientRequestToken);
  if (same && holds(same, value)) return { secret, version: same };
  if (same) throw new AwsError('ResourceExistsException', 'The request token is in use for another value.');
  const wanted = value.VersionStages ?? [CURRENT];
  // The first version is always the current one.
  const stages = secret.versions.length === 0 ? [...new Set([...wanted, CURRENT])] : wanted;
  const version: StoredVersion = {
    id: value.ClientRequestToken ?? randomUUID(),
    ...(value.SecretString !== undefined && { text: value.SecretString }),
    ...(value.SecretBinary !== undefined && { binary: value.SecretBinary }),
    stages: [...stages],
    createdAt: now,
  };
  const older = secret.versions.map(other => ({ ...other, stages: afterwards(other, stages) }));
  return { secret: { ...secret, changedAt: now, versions: [...older, version].slice(-KEPT) }, version };
};

/** The version that a request names: by id, by stage, or the current one. */
export const findVersion = (
  secret: StoredSecret,
  wanted: { readonly VersionId?: string | undefined; readonly VersionStage?: string | undefined },
): StoredVersion => {
  const { VersionId, VersionStage } = wanted;
  const stage = VersionStage ?? (VersionId === undefined ? CURRENT : undefined);
  const found = secret.versions.find(({ id, stages }) =>
    VersionId === undefined ? stage !== undefined && stages.includes(stage) : id === VersionId,
  );
  if (!found) {
    const what = VersionId === undefined ? `staging label: ${stage}` : `VersionId: ${VersionId}`;
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${what}`,
    );
  }
  if (stage !== undefined && !found.stages.includes(stage)) {
    const message = 'You provided a VersionStage that is not associated to the provided VersionId.';
    throw new AwsError('InvalidRequestException', message);
  }
  return found;
};

/** Stages by version id; versions without a stage are left out. */
export const stagesById = ({ versions }: StoredSecret): Record<string, readonly string[]> =>
  Object.fromEntries(versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, stages]));
