import { inspect } from 'node:util';
import {
  GetSecretValueCommand,
  InvalidRequestException,
  ListSecretsCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import { secretsManager } from '../../lib/aws/secrets.ts';
import { mockedClient } from '../kit/mock-client.ts';

const manager = mockedClient(SecretsManagerClient);
const secrets = secretsManager(new SecretsManagerClient({ region: 'us-east-1' }));
const NAME = 'token-refresher/test-provider/acme';
const $metadata = {};

beforeEach(() => manager.reset());

const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:a/one-AbCdEf';

describe('reading a secret', () => {
  it('always requests the current stage', async () => {
    manager.on(GetSecretValueCommand).resolves({ ARN, VersionId: 'v1', SecretString: 'text' });
    expect(await secrets.get(NAME)).toEqual({ arn: ARN, version: 'AbCdEf:v1', text: 'text' });
    expect(manager).toHaveReceivedCommandWith(GetSecretValueCommand, { SecretId: NAME, VersionStage: 'AWSCURRENT' });
  });

  it('takes bytes for text', async () => {
    manager.on(GetSecretValueCommand).resolves({ ARN, VersionId: 'v1', SecretBinary: Buffer.from('{"a":"ö"}') });
    expect(await secrets.get(NAME)).toEqual({ arn: ARN, version: 'AbCdEf:v1', text: '{"a":"ö"}' });
  });

  it.each([
    new ResourceNotFoundException({ message: "Secrets Manager can't find the specified secret.", $metadata }),
    new InvalidRequestException({
      message: "You can't perform this operation on the secret because it was marked for deletion.",
      $metadata,
    }),
    new InvalidRequestException({
      message: "You tried to perform the operation on a secret that's currently marked deleted.",
      $metadata,
    }),
  ])('returns undefined if the answer is $name: $message', async absent => {
    manager.on(GetSecretValueCommand).rejects(absent);
    expect(await secrets.get(NAME)).toBeUndefined();
  });

  it('returns undefined if the version is empty', async () => {
    manager.on(GetSecretValueCommand).resolves({ ARN, VersionId: 'v1' });
    expect(await secrets.get(NAME)).toBeUndefined();
  });

  it.each([
    new InvalidRequestException({ message: 'You provided a parameter that is not valid.', $metadata }),
    Object.assign(new Error('User is not authorized'), { name: 'AccessDeniedException', $fault: 'client' }),
    Object.assign(new Error('Access to KMS is not allowed'), { name: 'DecryptionFailure', $fault: 'client' }),
    Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException', $fault: 'client' }),
    Object.assign(new Error('a request has exceeded the configured 3000 ms'), { name: 'TimeoutError' }),
  ])('fails if the answer is $name', async fault => {
    manager.on(GetSecretValueCommand).rejects(fault);
    await expect(secrets.get(NAME)).rejects.toMatchObject({
      code: 'secret_unreadable',
      message: `could not read the secret ${NAME}: ${fault.name}`,
      cause: { name: fault.name, message: fault.message },
    });
  });

  it('fails on an invalid answer, without quoting it', async () => {
    manager.on(GetSecretValueCommand).resolves({ SecretString: 'the-password' });
    const failure = await secrets.get(NAME).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'secret_unreadable' });
    manager.on(GetSecretValueCommand).rejects(new SyntaxError('Unexpected end of JSON: {"SecretString":"the-password'));
    const cutOff = await secrets.get(NAME).catch((error: unknown) => error);
    expect(cutOff).toMatchObject({ code: 'secret_unreadable' });
    expect(inspect([failure, cutOff], { depth: 9 })).not.toContain('the-password');
  });
});

describe('listing secrets', () => {
  it('reads every page, believes no filter, and passes over what is being deleted', async () => {
    const current = { 'v-old': ['AWSPREVIOUS'], 'v-now': ['AWSPENDING', 'AWSCURRENT'] };
    manager
      .on(ListSecretsCommand)
      .resolvesOnce({
        SecretList: [
          { ARN, Name: 'a/one', SecretVersionsToStages: current },
          { ARN, Name: 'other/a/one', SecretVersionsToStages: current },
        ],
        NextToken: 'next',
      })
      .resolves({
        SecretList: [{ Name: 'a/two' }, { Name: 'a/three', DeletedDate: new Date(0) }, {}],
      });
    expect(await secrets.list('a/')).toEqual([{ name: 'a/one', version: 'AbCdEf:v-now' }, { name: 'a/two' }]);
    expect(manager).toHaveReceivedNthCommandWith(ListSecretsCommand, 2, {
      NextToken: 'next',
      Filters: [{ Key: 'name', Values: ['a/'] }],
    });
  });

  it('fails as a whole if one page fails: otherwise secrets would seem deleted', async () => {
    manager.on(ListSecretsCommand).resolvesOnce({ SecretList: [{ Name: 'a/one' }], NextToken: 'next' });
    manager
      .on(ListSecretsCommand)
      .rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException', $fault: 'client' }));
    await expect(secrets.list('a/')).rejects.toMatchObject({
      code: 'secret_unreadable',
      message: 'could not list the secrets of a/: AccessDeniedException',
    });
  });
});
