import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { changedLines } from './changed-lines.ts';

const usage = `Usage: npm run mutation -- [FILE …] [--since COMMIT] [--minutes N]

Changes the code in small ways, one at a time, and runs the tests of its folder. It fails if they still pass.

  FILE            lib/core/policy.ts, or lines of it: lib/core/policy.ts:10-20. Without any, all of them: this takes hours
  --since COMMIT  only the lines that changed since then
  --minutes N     end after this time, and say which files were left out

Mark a change that no test can notice: // Stryker disable next-line <Mutator>: <reason>`;

/** The tests of each are in the folder of the same name, and need neither a network nor another process. */
const FOLDERS = ['api', 'core', 'definition', 'discovery', 'observe', 'refresh'];
const HERE = 'tools/mutation';
const STRYKER = `${HERE}/node_modules/@stryker-mutator/core/bin/stryker.js`;
const REPORT = 'node_modules/.cache/mutation.json';

const reportSchema = z.object({
  files: z.record(z.string(), z.object({ mutants: z.array(z.object({ status: z.string() })) })),
});

/** The number of surviving changes of one file; undefined if the time was over. */
const survivorsIn = (file: string, targets: readonly string[], deadline: number): number | undefined => {
  rmSync(REPORT, { force: true });
  const args = [STRYKER, 'run', `${HERE}/stryker.config.json`, '--mutate', targets.join()];
  const { status } = spawnSync(process.execPath, args, {
    stdio: 'inherit',
    env: { ...process.env, TESTS: `test/${file.split('/')[1]}/` },
    ...(Number.isFinite(deadline) && { timeout: Math.max(1, deadline - Date.now()) }),
  });
  // Stryker ends by itself when it is stopped.
  if (Date.now() >= deadline) return undefined;
  if (status !== 0) throw new Error(`Stryker failed on ${file}`);
  // There is no report if these lines have nothing to change.
  const { files } = existsSync(REPORT) ? reportSchema.parse(JSON.parse(readFileSync(REPORT, 'utf8'))) : { files: {} };
  const mutants = Object.values(files).flatMap(each => each.mutants);
  console.log(`${file}: ${mutants.length} changes`);
  return mutants.filter(mutant => mutant.status === 'Survived').length;
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { since: { type: 'string' }, minutes: { type: 'string' }, help: { type: 'boolean' } },
});
const inFolder = (target: string): boolean => FOLDERS.some(folder => target.startsWith(`lib/${folder}/`));
const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8' });
const chosen = (): readonly string[] => {
  if (values.since !== undefined) return changedLines(git('diff', '--unified=0', values.since, '--', 'lib/**/*.ts'));
  return positionals.length > 0 ? positionals : git('ls-files', 'lib/**/*.ts').split('\n');
};

if (values.help) console.log(usage);
else {
  const targets = chosen().filter(inFolder);
  console.log(targets.length === 0 ? 'No line to change.' : `To change: ${targets.join(' ')}`);
  // npm checks its own Node, which may be older than the one that runs Stryker.
  if (targets.length > 0 && !existsSync(STRYKER))
    execFileSync('npm', ['ci', '--prefix', HERE, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  const deadline =
    values.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(values.minutes) * 60_000;
  const files = [...Map.groupBy(targets, target => target.replace(/:.*/, ''))];
  const found = files.map(([file, lines]) => {
    return { file, survivors: Date.now() < deadline ? survivorsIn(file, lines, deadline) : undefined };
  });
  const bad = found.filter(({ survivors }) => survivors);
  for (const { file, survivors } of bad) console.error(`${file}: no test notices ${survivors} of them.`);
  const left = found.flatMap(({ file, survivors }) => (survivors === undefined ? [file] : []));
  if (left.length > 0) console.log(`Left out, since the time was over: ${left.join(' ')}`);
  process.exitCode = bad.length > 0 ? 1 : 0;
}
