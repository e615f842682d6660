import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject, jsonObject } from '../lib/core/json.ts';
import type { Provider } from '../lib/core/provider.ts';
import { credentialsIn } from '../lib/core/secret.ts';
import { connectionId } from '../lib/core/types.ts';
import { providers as builtIn } from '../lib/providers/index.ts';
import { UsageError } from './usage-error.ts';

/**
 * The secrets of a folder by `<provider>/<name>`, each as its text. All are checked: the laptop does not start with a
 * bad one.
 */
export const readSecretsFolder = async (
  folder: string,
  providers: readonly Provider[] = builtIn,
): Promise<ReadonlyMap<string, string>> => {
  const secrets = new Map<string, string>();
  const problems: string[] = [];
  for (const own of await entries(folder, folder)) {
    // Hidden folders belong to tools: `.git`, or `..data` of mounted secrets, which uses links.
    if (own.name.startsWith('.') || !(await isFolder(join(folder, own.name)))) continue;
    const provider = providers.find(({ id }) => id === own.name);
    if (!provider) {
      problems.push(
        `${join(folder, own.name)}: "${own.name}" is not a provider; name the folder after one of ${providers.map(({ id }) => id).join(', ')}`,
      );
      continue;
    }
    for (const file of await entries(join(folder, own.name), folder)) {
      if (!file.name.endsWith('.json')) continue;
      const path = join(folder, own.name, file.name);
      const name = file.name.slice(0, -'.json'.length);
      const text = await readText(path);
      problems.push(...problemsOf(provider, name, text).map(problem => `${path}: ${problem}`));
      secrets.set(`${provider.id}/${name}`, text);
    }
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return secrets;
};

/** Throws if the folder has no secrets. */
export const expectSecrets = (folder: string, secrets: ReadonlyMap<string, string>): void => {
  if (secrets.size > 0) return;
  throw new UsageError(
    `${folder} holds no secrets: put each into <provider>/<name>.json, for example officernd/acme.json.`,
  );
};

/** The limit of Secrets Manager, in bytes. */
const LARGEST_SECRET = 65_536;

/** The problems of one secret, one sentence each; never a value of it. */
const problemsOf = (provider: Provider, name: string, text: string): string[] => {
  if (!connectionId(provider.id, name)) {
    return ['the file’s name is not a connection’s; use 1-100 letters, digits, ".", "_" or "-"'];
  }
  if (Buffer.byteLength(text) > LARGEST_SECRET) {
    return ['a secret holds 64 KiB at most; spread its "connections" over several files'];
  }
  const json = jsonObject(text);
  if (!json) return ['this is not a JSON object; write the credential fields as {"field": "value", …}'];
  if (json.connections === undefined) return fieldProblems(provider, json);
  if (!isObject(json.connections)) return ['"connections" is not an object; write {"<name>": {…}, …}'];
  return Object.keys(json.connections).flatMap(key =>
    connectionId(provider.id, key)
      ? fieldProblems(provider, credentialsIn(json, key)).map(problem => `in "connections", "${key}": ${problem}`)
      : ['a key of "connections" is not a name; use 1-100 letters, digits, ".", "_" or "-"'],
  );
};

const fieldProblems = (provider: Provider, fields: unknown): string[] => {
  const opened = provider.open(fields);
  return !opened.ok ? opened.problems.map(problem => problem.message) : [];
};

const entries = async (path: string, folder: string) => {
  try {
    return (await readdir(path, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new UsageError(
      `--secrets: ${path} cannot be read (${reason(error)}); give a folder with <provider>/<name>.json in ${folder === path ? 'it' : folder}.`,
    );
  }
};

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    found => found.isDirectory(),
    () => false,
  );

const readText = async (path: string): Promise<string> => {
  const unreadable = (why: string) =>
    new UsageError(`${path} cannot be read (${why}); check that it is a file and its permissions.`);
  try {
    // Some editors add a byte order mark. Reading a pipe would block.
    if ((await stat(path)).isFile()) return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (error) {
    throw unreadable(reason(error));
  }
  throw unreadable('not a file');
};

const reason = (error: unknown): string => {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : 'unknown reason';
};
