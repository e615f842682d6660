import {
  GetSecretValueCommand,
  ListSecretsCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Meter } from './meter.ts';
import type { Caller } from './tables.ts';

/** Secrets Manager in memory, at the level of the SDK's commands: every call is counted. */
export class MeteredSecrets {
  readonly #meter: Meter;
  readonly #secrets: (readonly [name: string, text: string])[] = [];
  readonly #byName = new Map<string, string>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  get size(): number {
    return this.#secrets.length;
  }

  create(name: string, text: string): void {
    this.#secrets.push([name, text]);
    this.#byName.set(name, text);
  }

  client(caller: Caller): SecretsManagerClient {
    const client = new SecretsManagerClient({ region: 'us-east-1' });
    const send = (command: unknown) => this.#send(caller, command);
    return Object.assign(client, { send: send as typeof client.send });
  }

  async #send(caller: Caller, command: unknown): Promise<object> {
    if (command instanceof ListSecretsCommand) {
      const { NextToken, MaxResults = 100 } = command.input;
      const from = Number(NextToken ?? 0);
      const page = this.#secrets.slice(from, from + MaxResults);
      await caller.call('page', page.length);
      this.#meter.secretCall('ListSecrets');
      const next = from + page.length;
      return {
        SecretList: page.map(([Name]) => ({
          Name,
          ARN: arnOf(Name),
          SecretVersionsToStages: { [versionOf(Name)]: ['AWSCURRENT'] },
        })),
        ...(next < this.#secrets.length && { NextToken: String(next) }),
      };
    }
    if (!(command instanceof GetSecretValueCommand)) throw new Error('the command is not understood');
    const { SecretId: name = '' } = command.input;
    await caller.call('item', 1);
    this.#meter.secretCall('GetSecretValue');
    const text = this.#byName.get(name);
    if (text === undefined) throw new ResourceNotFoundException({ message: 'There is none.', $metadata: {} });
    return { ARN: arnOf(name), VersionId: versionOf(name), SecretString: text };
  }
}

const arnOf = (name: string): string => `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-AbCdEf`;
/** The version id of a secret that never changes, in the form of a real one. */
const versionOf = (name: string): string => `00000000-feed-4000-8000-${Buffer.from(name).toString('hex').slice(-12)}`;
