import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { providerIds } from '../../lib/providers/index.ts';

/** What each file of a provider's folder is for. */
const needed: Readonly<Record<string, string>> = {
  'definition.json': 'write the definition, as docs/providers.md says',
  'fixtures/secret.json': 'write the fields of a secret, with made-up values',
  'fixtures/requests.json': 'write the requests that the secret leads to, by "logIn", "refresh", "revoke"',
  'fixtures/token.json': 'write an answer of the provider with a token',
  'fixtures/published.json': 'write what consumers get of that answer',
  'fixtures/errors.json': 'write answers without a token, and what each means',
};
const CODE = 'write what the provider answers to the first request of the login';

const providersFolder = join(import.meta.dirname, '../../lib/providers');

/** A sentence for each thing that the folders of providers lack. */
export const missingIn = (
  root: string = providersFolder,
  known: readonly string[] = providerIds,
): readonly string[] => {
  const folders = readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name);
  const unlisted = folders
    .filter(id => !known.includes(id))
    .map(id => `lib/providers/definitions.ts does not have "${id}": add a line for its definition.`);
  return [...unlisted, ...[...new Set([...folders, ...known])].flatMap(id => missingFrom(join(root, id)))];
};

const missingFrom = (folder: string): readonly string[] => {
  const files = { ...needed, ...(isInTwoSteps(folder) && { 'fixtures/code.json': CODE }) };
  return Object.entries(files)
    .filter(([file]) => !existsSync(join(folder, file)))
    .map(([file, what]) => `lib/providers/${basename(folder)}/${file} is missing: ${what}.`);
};

const isInTwoSteps = (folder: string): boolean => {
  const file = join(folder, 'definition.json');
  const login: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).login : undefined;
  return Array.isArray(login) && login.length > 1;
};
