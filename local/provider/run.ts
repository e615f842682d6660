import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { DefinitionError } from '../../lib/definition/parse.ts';
import { readProviderFile } from '../../lib/definition-files.ts';
import { findProvider } from '../../lib/providers/index.ts';
import { UsageError } from '../usage-error.ts';
import { requestLines } from './describe.ts';
import { answerLines } from './describe-answer.ts';
import { hiding } from './hide.ts';
import { credentialsFrom } from './secret-file.ts';
import { attempt } from './try.ts';

export const providerUsage = `Usage: npm run provider -- check FILE [options]

Checks the definition of a provider, and prints the requests that it makes. Credentials are never shown.

  --secret FILE      the fields of a secret as JSON: they are checked, and the login and the refresh are tried
  --key KEY          the one of "connections" in the secret that is tried
  --help             this text

The exit code is 0 if all is well, 1 if no token was obtained, 2 if a file or an option is wrong.`;

export interface Printer {
  result(line: string): void;
  problem(line: string): void;
}

/** Runs the command in the arguments; returns the exit code. */
export const runProviderCommand = async (args: readonly string[], printer: Printer): Promise<number> => {
  try {
    return await check(args, printer);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof DefinitionError)) throw error;
    printer.problem(error.message);
    return 2;
  }
};

const check = async (args: readonly string[], printer: Printer): Promise<number> => {
  const { positionals, values } = parsed(args);
  if (values.help) {
    printer.result(providerUsage);
    return 0;
  }
  const [command, file, ...rest] = positionals;
  if (command !== undefined && command !== 'check') {
    throw new UsageError(`There is no command "${command}". Use: npm run provider -- check acme.json`);
  }
  if (file === undefined || rest.length > 0) {
    throw new UsageError('Give the file of a definition: npm run provider -- check acme.json');
  }
  if (values.key !== undefined && values.secret === undefined) throw new UsageError('--key needs --secret.');
  const provider = readProviderFile(file);
  const { definition } = provider;
  if (findProvider(provider.id) && basename(file) !== 'definition.json') {
    throw new UsageError(`${file}: "${provider.id}" is the id of a built-in provider: choose another "id".`);
  }
  const given = values.secret === undefined ? undefined : credentialsFrom(values.secret, provider, values.key);
  const { hide, alsoHide } = hiding(definition, given?.credentials);
  const say = (line: string) => printer.result(hide(line));

  printer.result(`${provider.id}: ${provider.title}`);
  if (![`${provider.id}.json`, 'definition.json'].includes(basename(file))) {
    printer.result(`To use it, save it as providers/${provider.id}.json: a file has the id as its name.`);
  }
  for (const line of requestLines(definition, given?.credentials)) say(line);
  for (const line of answerLines(provider)) printer.result(line);
  if (!given) return 0;
  say('');
  return (await attempt(provider, given.account, { say, alsoHide, hideAll: text => hide(text, 1) })) ? 0 : 1;
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { secret: { type: 'string' }, key: { type: 'string' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split(/\.\s/, 1)[0] : 'the options cannot be read';
    throw new UsageError(`${reason}. See npm run provider -- --help`);
  }
};
