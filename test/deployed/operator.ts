import assert from 'node:assert/strict';
import { DEFAULT_NAME, secretPrefixOf } from '../../lib/core/deployment.ts';
import type { LocalAws } from './emulator.ts';
import { send } from './wire.ts';

/** The account's administrator: writes secrets, and changes records by hand. */
export class AccountOperator {
  readonly #url: string;
  readonly #key: string;
  readonly #prefix: string;

  /** `name`: the deployment whose secrets are written. */
  constructor({ variables }: LocalAws, name = DEFAULT_NAME) {
    this.#prefix = secretPrefixOf(name);
    this.#url = variables.AWS_ENDPOINT_URL ?? '';
    this.#key = variables.AWS_ACCESS_KEY_ID ?? '';
  }

  async does(operation: string, input: object): Promise<Readonly<Record<string, unknown>>> {
    const { status, body } = await send(this.#url, this.#key, operation, input);
    assert.equal(status, 200, `${operation}: ${body.message ?? body.Message ?? body.__type}`);
    return body;
  }

  create(name: string, content: object, key?: string): Promise<unknown> {
    const SecretString = JSON.stringify(content);
    return this.does('secretsmanager:CreateSecret', {
      Name: this.#prefix + name,
      SecretString,
      ClientRequestToken: crypto.randomUUID(),
      ...(key !== undefined && { KmsKeyId: key }),
    });
  }

  rotate(name: string, content: object): Promise<unknown> {
    const SecretString = JSON.stringify(content);
    const ClientRequestToken = crypto.randomUUID();
    return this.does('secretsmanager:PutSecretValue', {
      SecretId: this.#prefix + name,
      SecretString,
      ClientRequestToken,
    });
  }

  delete(name: string): Promise<unknown> {
    return this.does('secretsmanager:DeleteSecret', {
      SecretId: this.#prefix + name,
      ForceDeleteWithoutRecovery: true,
    });
  }

  /** Sets one attribute of an item. */
  async set(TableName: string, Key: object, attribute: string, value: object): Promise<void> {
    await this.does('dynamodb:UpdateItem', {
      TableName,
      Key,
      UpdateExpression: 'SET #attribute = :value',
      ExpressionAttributeNames: { '#attribute': attribute },
      ExpressionAttributeValues: { ':value': value },
    });
  }
}
