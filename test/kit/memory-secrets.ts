import { versionOf } from '../../lib/core/secret.ts';
import type { SecretVersion } from '../../lib/core/types.ts';
import type { SecretSource, SecretValue } from '../../lib/ports.ts';

import type { EffectRunner, SecretAdmin } from './memory-tables.ts';

interface MemorySecret {
  readonly arn: string;
  readonly value?: SecretValue;
  readonly deleted: boolean;
}

export const memorySecrets = (run: EffectRunner): SecretSource & SecretAdmin => {
  const secrets = new Map<string, MemorySecret>();
  let versions = 0;
  let marks = 0;
  /** The end of an ARN: six unique characters. */
  const nextMark = (): string => {
    marks += 1;
    return `${marks}`.padStart(6, '0');
  };
  const nextId = (): string => {
    versions += 1;
    return `version-${versions}`;
  };
  const idOf = (chosen: SecretVersion): string => chosen.slice(chosen.indexOf(':') + 1);
  const mark = (name: string, deleted: boolean): void => {
    const secret = secrets.get(name);
    if (!secret) throw new Error(`there is no secret ${name}`);
    secrets.set(name, { ...secret, deleted });
  };
  const existing = (name: string): MemorySecret | undefined => {
    const secret = secrets.get(name);
    return secret?.deleted ? undefined : secret;
  };
  return {
    get: name => run('secrets.get', () => existing(name)?.value),
    list: prefix =>
      run('secrets.list', () =>
        [...secrets]
          .filter(([name, { deleted }]) => name.startsWith(prefix) && !deleted)
          .map(([name, { value }]) => ({ name, ...(value && { version: value.version }) })),
      ),
    put: async (name, text, chosen) => {
      const arn = secrets.get(name)?.arn ?? `arn-${nextMark()}`;
      const id = chosen === undefined ? nextId() : idOf(chosen);
      const value = text === undefined ? undefined : { arn, version: versionOf(arn, id), text };
      secrets.set(name, { arn, ...(value && { value }), deleted: false });
    },
    erase: async name => void secrets.delete(name),
    delete: async name => mark(name, true),
    restore: async name => mark(name, false),
  };
};
