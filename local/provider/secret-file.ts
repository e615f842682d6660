import { readFileSync } from 'node:fs';
import { isObject, jsonObject } from '../../lib/core/json.ts';
import type { Account } from '../../lib/core/provider.ts';
import { credentialsIn } from '../../lib/core/secret.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { chosen, type SecretFields, secretSchemaOf } from '../../lib/definition/secret.ts';
import { UsageError } from '../usage-error.ts';

export interface Given {
  readonly account: Account;
  /** With all defaults, and without the fields of unused alternatives. */
  readonly credentials: SecretFields;
}

/** The checked credentials in a file. Throws a `UsageError` that names fields and never holds a value. */
export const credentialsFrom = (file: string, provider: DefinedProvider, key: string | undefined): Given => {
  const fields = fieldsIn(file, key);
  const opened = provider.open(fields);
  if (!opened.ok)
    throw new UsageError(
      opened.problems.map(({ message }) => `${file}: ${message}${message.endsWith('?') ? '' : '.'}`).join('\n'),
    );
  const credentials = chosen(provider.definition, secretSchemaOf(provider.definition).parse(fields));
  return { account: opened.account, credentials };
};

const fieldsIn = (file: string, key: string | undefined): unknown => {
  const json = jsonObject(textOf(file));
  if (!json) throw new UsageError(`${file}: this is not a JSON object: write the fields as {"field": "value", …}.`);
  const { connections } = json;
  const keys = isObject(connections) ? Object.keys(connections) : [];
  if (key === undefined && connections === undefined) return json;
  if (key !== undefined && keys.includes(key)) return credentialsIn(json, key);
  const choice = keys.length > 0 ? `one of ${keys.join(', ')}` : 'it has none';
  throw new UsageError(`${file}: choose one of its "connections" with --key (${choice}).`);
};

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    throw new UsageError(`${file} cannot be read (${typeof code === 'string' ? code : 'unknown reason'}).`);
  }
};
