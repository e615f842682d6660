import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pool } from '../../lib/pool.ts';
import { breakIn, copyTree } from '../mutants/copy.ts';
import { record } from '../support/reliability.ts';
import { type Plant, plants } from './plants.ts';

interface Found {
  readonly seed: number;
  readonly violation: string;
}

/** As many as CI runs. */
const SEEDS = 1000;
/** Copies that are worked in side by side. */
const SLOTS = 2;

/** The first seed that notices a bug, in a copy of its own. */
const firstSeed = async (folder: string, plant: Plant, slot: number): Promise<Found | undefined> => {
  const copy = copyTree(folder, slot);
  breakIn(copy, plant);
  const args = ['test/simulation/first.ts', String(SEEDS)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: copy });
  return stdout === '' ? undefined : (JSON.parse(stdout) as Found);
};

/** Without the time, and without the name of the connection. */
const inShort = (violation: string): string => violation.replace(/^\S+ (\S+\/\S+: )?/, '');

const rowOf = ({ name, file, unreachable }: Plant, found: Found | undefined): string => {
  const by = found ? `seed ${found.seed}: ${inShort(found.violation)}` : (unreachable ?? `none of ${SEEDS}`);
  return `| ${name} | \`${file}\` | ${by} |`;
};

/** Plants each bug and looks for a seed that finds it. Answers whether all were found that can be. */
export const findPlanted = async (write: boolean): Promise<boolean> => {
  const folder = mkdtempSync(join(tmpdir(), 'token-refresher-planted-'));
  const found = new Map<Plant, Found>();
  try {
    const reachable = plants.filter(({ unreachable }) => unreachable === undefined);
    await pool(reachable, SLOTS, async plant => {
      const first = await firstSeed(folder, plant, plants.indexOf(plant));
      if (first) found.set(plant, first);
      console.error(rowOf(plant, first));
    });
    const rows = plants.map(plant => rowOf(plant, found.get(plant)));
    const table = ['| planted bug | file | found by |', '|---|---|---|', ...rows].join('\n');
    console.log(table);
    if (write) record('planted', table);
    return found.size === reachable.length;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
