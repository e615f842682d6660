import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { record } from '../support/reliability.ts';
import { breakIn, copyTree } from './copy.ts';
import { mutants } from './index.ts';
import type { Mutant } from './mutant.ts';
import { passes, stopAll } from './passes.ts';

const usage = `Usage: npm run mutants -- [--only TEXT] [--record]

  --only TEXT   those whose name or file holds the text
  --record      write the figures into docs/reliability.md`;

/** Copies that are worked in side by side. */
const SLOTS = 2;

type Killer = 'tests' | '60 seeds' | 'all tests' | '1,000 seeds';
interface Verdict {
  readonly mutant: Mutant;
  readonly killedBy?: Killer;
}

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', '--reporter', 'dot'];
/** One thread for all files: most of the time of a few small ones is the start of a process for each. */
const together = ['--pool', 'threads', '--no-isolate', '--no-file-parallelism'];
/** Tests that replace parts of the SDK want a process of their own. */
const apart = (tests: readonly string[]): boolean => tests.some(each => each.startsWith('test/aws'));
const simulate = (seeds: number) => ['test/simulation/main.ts', '--seeds', String(seeds)];
/** From what is fast to what is thorough: the next one is tried only where nothing was noticed before. */
const trials: readonly (readonly [Killer, (mutant: Mutant) => readonly string[]])[] = [
  ['tests', ({ tests }) => [...vitest, ...(apart(tests) ? [] : together), ...tests]],
  ['60 seeds', () => simulate(60)],
  // The table of mutants would notice every one of them.
  ['all tests', () => [...vitest, '--exclude', 'test/mutants/**']],
  ['1,000 seeds', () => simulate(1000)],
];

/** What fails without any mutant tells nothing of one. */
const sound = new Map<string, Promise<void>>();
const soundly = (copy: string, name: string, args: readonly string[]): Promise<void> => {
  const known = sound.get(name);
  if (known) return known;
  const control = passes(copy, args).then(good => {
    if (!good) throw new Error(`without any mutant, ${name} fail already`);
  });
  sound.set(name, control);
  return control;
};

/** Whether a trial notices a mutant. */
const notices = async (copy: string, mutant: Mutant, args: readonly string[]): Promise<boolean> => {
  await soundly(copy, args.join(' '), args);
  const mend = breakIn(copy, mutant);
  try {
    return !(await passes(copy, args));
  } finally {
    mend();
  }
};

const figures = (verdicts: readonly Verdict[]): string => {
  const survivors = verdicts.filter(({ killedBy }) => killedBy === undefined);
  const by = (killer: Killer) => verdicts.filter(({ killedBy }) => killedBy === killer).length;
  const killed = `${by('tests')} by the tests beside them, ${by('60 seeds')} by 60 seeds of the simulator`;
  const late = `${by('all tests')} by the other tests, ${by('1,000 seeds')} by 1,000 seeds`;
  const head = `${verdicts.length} mutants: ${verdicts.length - survivors.length} killed (${killed}, ${late}), ${survivors.length} survived.`;
  const rows = survivors.map(({ mutant: { file, name, harmless } }) => `| ${name} | \`${file}\` | ${harmless ?? ''} |`);
  return rows.length === 0
    ? head
    : [head, '', '| survivor | file | why it does not matter |', '|---|---|---|', ...rows].join('\n');
};

/** All mutants through the first trial, those that survive it through the second, and so on. */
const run = async (folder: string, chosen: readonly Mutant[]): Promise<Verdict[]> => {
  const copies = Array.from({ length: SLOTS }, (_, slot) => copyTree(folder, slot));
  const killers = new Map<Mutant, Killer>();
  for (const [killer, argsOf] of trials) {
    const alive = chosen.filter(mutant => !killers.has(mutant));
    const left = [...alive];
    const work = async (copy: string) => {
      for (let mutant = left.shift(); mutant; mutant = left.shift()) {
        const noticed = await notices(copy, mutant, argsOf(mutant));
        if (noticed) killers.set(mutant, killer);
        else console.log(`not noticed by ${killer}: ${mutant.file}: ${mutant.name}`);
      }
    };
    await Promise.all(copies.map(work));
    console.log(`${killer}: ${killers.size} of ${chosen.length} killed`);
  }
  return chosen.map(mutant => {
    const killedBy = killers.get(mutant);
    return { mutant, ...(killedBy !== undefined && { killedBy }) };
  });
};

const main = async (): Promise<boolean> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return true;
  }
  const folder = mkdtempSync(join(tmpdir(), 'token-refresher-mutants-'));
  const stop = () => {
    stopAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process
    .once('SIGINT', () => process.exit(130))
    .once('SIGTERM', () => process.exit(143))
    .once('exit', stop);
  const verdicts = await run(
    folder,
    mutants.filter(({ name, file }) => `${file}: ${name}`.includes(values.only)),
  );
  console.log(`\n${figures(verdicts)}`);
  const harmful = verdicts.filter(({ mutant, killedBy }) => killedBy === undefined && mutant.harmless === undefined);
  // A reason for what is noticed after all is a reason no more.
  const stale = verdicts.filter(({ mutant, killedBy }) => killedBy !== undefined && mutant.harmless !== undefined);
  for (const { mutant } of stale) console.error(`killed, although said to be harmless: ${mutant.name}`);
  if (values.record && values.only === '') record('mutants', figures(verdicts));
  return harmful.length === 0 && stale.length === 0;
};

const good = await main().catch((error: unknown) => {
  console.error(error);
  return false;
});
process.exit(good ? 0 : 1);
