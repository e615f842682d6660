import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { minutes } from '../../lib/core/types.ts';
import { pool } from '../../lib/pool.ts';
import { record } from '../kit/reliability.ts';
import { breakIn, copyTree } from './copy.ts';
import type { Mutant } from './mutant.ts';
import { mutants } from './protocol.ts';

const usage = `Usage: npm run mutants -- [--only TEXT] [--record]

Takes each guard of the protocol away and looks for the first seed of the simulator that notices it.

  --only TEXT   the mutants whose name or file has the text
  --record      write the table into docs/reliability.md`;

/** As many as CI runs. */
const SEEDS = 1000;
/** Copies of the tree in use at the same time. */
const SLOTS = 2;
/** A mutant may wait forever. */
const PATIENCE = minutes(10);

interface Found {
  readonly seed: number;
  readonly violation: string;
}

/** The first seed that notices a mutant. A run that never ends, or that breaks the simulator, counts too. */
const firstSeed = async (copy: string, mutant: Mutant): Promise<Found | undefined> => {
  const mend = breakIn(copy, mutant);
  try {
    const args = ['test/simulation/first.ts', String(SEEDS)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: copy, timeout: PATIENCE });
    return stdout === '' ? undefined : (JSON.parse(stdout) as Found);
  } catch (error) {
    const { killed, stderr = '' } = error as { readonly killed?: boolean; readonly stderr?: string };
    // What is not code any more would be noticed by anything.
    if (stderr.includes('ERR_INVALID_TYPESCRIPT_SYNTAX'))
      throw new Error(`${mutant.file}: "${mutant.name}" is a syntax error`);
    return { seed: 1, violation: killed ? 'the simulator does not come to an end' : 'an exception ends the simulator' };
  } finally {
    mend();
  }
};

/** Without the time, and without the name of the connection. */
const inShort = (violation: string): string => violation.replace(/^\S+ (\S+\/\S+: )?/, '');

const tableOf = (found: ReadonlyMap<Mutant, Found | undefined>): string => {
  const rows = [...found].map(([{ name, file }, by]) => {
    const seed = by ? `seed ${by.seed}: ${inShort(by.violation)}` : `none of ${SEEDS}`;
    return `| ${name} | \`${file}\` | ${seed} |`;
  });
  const missed = [...found.values()].filter(by => by === undefined).length;
  return [
    `${found.size} mutants: ${found.size - missed} noticed, ${missed} not.`,
    '',
    '| without the guard | file | noticed by |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
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
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const chosen = mutants.filter(({ name, file }) => `${file}: ${name}`.includes(values.only));
  const found = new Map<Mutant, Found | undefined>(chosen.map(mutant => [mutant, undefined]));
  const copies = Array.from({ length: SLOTS }, (_, slot) => copyTree(folder, slot));
  await pool(chosen, SLOTS, async mutant => {
    const copy = copies.pop();
    if (copy === undefined) throw new Error('more mutants than copies');
    const by = await firstSeed(copy, mutant);
    copies.push(copy);
    found.set(mutant, by);
    console.log(`${by ? `seed ${by.seed}` : 'not noticed'}: ${mutant.file}: ${mutant.name}`);
  });
  const table = tableOf(found);
  console.log(`\n${table.split('\n', 1)[0]}`);
  if (values.record && values.only === '') record('mutants', table);
  return [...found.values()].every(by => by !== undefined);
};

process.exitCode = (await main()) ? 0 : 1;
