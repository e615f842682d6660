import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  type SecretsManagerClient,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localClients } from '../kit/aws.ts';
import { type EmbeddedOnPort, startEmbeddedOnPort } from '../kit/embedded.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const token = (n: number): string => `00000000-0000-0000-0000-00000000000${n}`;

let folder: string;
let now: number;
let embedded: EmbeddedOnPort;
let client: SecretsManagerClient;

const start = async () => {
  embedded = await startEmbeddedOnPort({ folder, now: () => now });
  client = localClients({ endpoint: embedded.endpoint }).secretsManager;
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  now = START;
  await start();
});
afterEach(async () => {
  await embedded.close();
  rmSync(folder, { recursive: true });
});

const create = (Name: string, SecretString = 'first', ClientRequestToken = token(1)) =>
  client.send(new CreateSecretCommand({ Name, SecretString, ClientRequestToken }));
const put = (SecretId: string, SecretString: string, ClientRequestToken: string) =>
  client.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken }));
const read = (SecretId: string, wanted: { VersionId?: string; VersionStage?: string } = {}) =>
  client.send(new GetSecretValueCommand({ SecretId, ...wanted }));
const describeIt = (SecretId: string) => client.send(new DescribeSecretCommand({ SecretId }));

describe('versions and their stages', () => {
  it('move from current to previous to none', async () => {
    await create('a');
    await put('a', 'second', token(2));
    await put('a', 'third', token(3));
    expect((await describeIt('a')).VersionIdsToStages).toEqual({
      [token(2)]: ['AWSPREVIOUS'],
      [token(3)]: ['AWSCURRENT'],
    });
    expect(await read('a')).toMatchObject({ SecretString: 'third', VersionId: token(3), Name: 'a' });
    expect(await read('a', { VersionStage: 'AWSPREVIOUS' })).toMatchObject({ SecretString: 'second' });
    expect(await read('a', { VersionId: token(1) })).toMatchObject({ SecretString: 'first' });
  });

  it('may be staged without becoming the current one', async () => {
    await create('a');
    const staged = { SecretId: 'a', SecretString: 'next', ClientRequestToken: token(2), VersionStages: ['AWSPENDING'] };
    await client.send(new PutSecretValueCommand(staged));
    expect(await read('a')).toMatchObject({ SecretString: 'first' });
    expect(await read('a', { VersionStage: 'AWSPENDING' })).toMatchObject({ SecretString: 'next' });
  });

  it('do not match a stage that is not theirs', async () => {
    await create('a');
    await put('a', 'second', token(2));
    const mismatch = { VersionId: token(1), VersionStage: 'AWSCURRENT' };
    await expect(read('a', mismatch)).rejects.toMatchObject({ name: 'InvalidRequestException' });
    const unknown = { VersionStage: 'AWSPENDING' };
    await expect(read('a', unknown)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('come from updates too, which may also describe the secret', async () => {
    await create('a');
    await client.send(new UpdateSecretCommand({ SecretId: 'a', Description: 'what it is' }));
    expect(await read('a')).toMatchObject({ VersionId: token(1) });
    await client.send(new UpdateSecretCommand({ SecretId: 'a', SecretString: 'second', ClientRequestToken: token(2) }));
    expect(await read('a')).toMatchObject({ SecretString: 'second', VersionId: token(2) });
    expect(await describeIt('a')).toMatchObject({ Description: 'what it is', CreatedDate: new Date(START) });
  });

  it('may be bytes', async () => {
    await client.send(new CreateSecretCommand({ Name: 'a', SecretBinary: Buffer.from([0, 255, 1]) }));
    expect([...((await read('a')).SecretBinary ?? [])]).toEqual([0, 255, 1]);
  });
});

describe('a request repeated with its token', () => {
  it('changes nothing', async () => {
    const created = await create('a');
    expect(await create('a')).toMatchObject({ ARN: created.ARN, VersionId: created.VersionId });
    await put('a', 'second', token(2));
    await put('a', 'third', token(3));
    await put('a', 'second', token(2));
    expect(await read('a')).toMatchObject({ SecretString: 'third' });
  });

  it('is refused with another value', async () => {
    await create('a');
    await expect(put('a', 'another', token(1))).rejects.toMatchObject({ name: 'ResourceExistsException' });
    await expect(create('a', 'another', token(2))).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });
});

describe('a deleted secret', () => {
  it('can be described and restored within its recovery window, and nothing else', async () => {
    const { ARN } = await create('a');
    const deleted = await client.send(new DeleteSecretCommand({ SecretId: ARN, RecoveryWindowInDays: 7 }));
    expect(deleted.DeletionDate).toEqual(new Date(START + 7 * DAY));
    const refused = { name: 'InvalidRequestException', message: expect.stringMatching(/deletion/) };
    await expect(read('a')).rejects.toMatchObject(refused);
    await expect(put('a', 'text', token(2))).rejects.toMatchObject(refused);
    await expect(create('a')).rejects.toMatchObject(refused);
    expect((await describeIt('a')).DeletedDate).toEqual(new Date(START + 7 * DAY));
    const listed = await client.send(new ListSecretsCommand({ IncludePlannedDeletion: true }));
    expect(listed.SecretList).toMatchObject([{ Name: 'a' }]);
    await client.send(new RestoreSecretCommand({ SecretId: 'a' }));
    expect(await read('a')).toMatchObject({ SecretString: 'first' });
  });

  it('is gone after its window, and its name is free', async () => {
    const { ARN } = await create('a');
    await client.send(new DeleteSecretCommand({ SecretId: 'a', RecoveryWindowInDays: 7 }));
    now = START + 7 * DAY;
    await expect(describeIt('a')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect((await create('a')).ARN).not.toBe(ARN);
  });

  it('is gone at once if the request says so, even if it never existed', async () => {
    await create('a');
    const force = new DeleteSecretCommand({ SecretId: 'a', ForceDeleteWithoutRecovery: true });
    await client.send(force);
    await expect(read('a')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(client.send(force)).resolves.toMatchObject({ Name: 'a' });
  });
});

describe('a listing', () => {
  it('goes page by page, also while secrets disappear', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);
    const first = await client.send(new ListSecretsCommand({ MaxResults: 2 }));
    await client.send(new DeleteSecretCommand({ SecretId: 'a' }));
    const { NextToken = '' } = first;
    const second = await client.send(new ListSecretsCommand({ MaxResults: 2, NextToken }));
    const third = await client.send(new ListSecretsCommand({ MaxResults: 2, NextToken: second.NextToken }));
    const names = [first, second, third].map(({ SecretList = [] }) => SecretList.map(({ Name }) => Name));
    expect(names).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(third.NextToken).toBeUndefined();
  });

  it('is filtered by the beginnings of words, of names, descriptions and tags', async () => {
    await client.send(new CreateSecretCommand({ Name: 'app/one', Description: 'for tests' }));
    await client.send(new CreateSecretCommand({ Name: 'my-app/two', Tags: [{ Key: 'team', Value: 'blue' }] }));
    await client.send(new CreateSecretCommand({ Name: 'snapp/three' }));
    const names = async (Key: 'name' | 'description' | 'tag-key' | 'tag-value' | 'all', ...Values: string[]) =>
      (await client.send(new ListSecretsCommand({ Filters: [{ Key, Values }] }))).SecretList?.map(({ Name }) => Name);
    expect(await names('name', 'app/')).toEqual(['app/one', 'my-app/two']);
    expect(await names('name', '!app/')).toEqual(['snapp/three']);
    expect(await names('name', 'three', 'one')).toEqual(['app/one', 'snapp/three']);
    expect(await names('description', 'test')).toEqual(['app/one']);
    expect(await names('tag-key', 'team')).toEqual(['my-app/two']);
    expect(await names('tag-value', 'red')).toEqual([]);
    expect(await names('all', 'blue')).toEqual(['my-app/two']);
  });
});

describe('a request that makes no sense', () => {
  const twoValues = { SecretString: 'a', SecretBinary: Buffer.from('a') };
  it.each([
    ['a name with spaces', () => client.send(new CreateSecretCommand({ Name: 'a b' }))],
    ['two values', () => client.send(new CreateSecretCommand({ Name: 'a', ...twoValues }))],
    ['a window too short', () => client.send(new DeleteSecretCommand({ SecretId: 'a', RecoveryWindowInDays: 6 }))],
    ['a page too long', () => client.send(new ListSecretsCommand({ MaxResults: 101 }))],
  ])('is refused: %s', async (_, send) => {
    await expect(send()).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  it('is refused if the token is a foreign one', async () => {
    const listing = client.send(new ListSecretsCommand({ NextToken: 'nonsense' }));
    await expect(listing).rejects.toMatchObject({ name: 'InvalidNextTokenException' });
  });
});

describe('secrets in a folder', () => {
  it('outlive the process, in a file that only its owner can read', async () => {
    await create('a');
    await embedded.close();
    writeFileSync(join(folder, 'secrets.json.new'), 'what a killed process left');
    await start();
    expect(await read('a')).toMatchObject({ SecretString: 'first' });
    await put('a', 'second', token(2));
    expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).toSorted()).toEqual(['dynamodb', 'pid', 'secrets.json']);
  });
});
