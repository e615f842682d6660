import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { record } from '../support/reliability.ts';
import { inSeconds } from './poll.ts';
import type { ProviderConfiguration } from './processes/provider.ts';
import { killAll, processesStarted, start } from './processes.ts';
import * as crashes from './rows/crashes.ts';
import * as outage from './rows/outage.ts';
import * as readers from './rows/readers.ts';
import * as slow from './rows/slow.ts';
import { PROVIDER, type Row, type World } from './stage.ts';

const usage = `Usage: npm run test:faults -- [--no-record]

  --no-record   leave docs/reliability.md as it is`;

const startedAt = Date.now();
const say = (line: string): void => console.log(`${inSeconds(Date.now() - startedAt).padStart(7)}  ${line}`);

/** All rows side by side, since most of their time is spent waiting; in the order of the table. */
const run = async (folder: string): Promise<Row[]> => {
  const configuration: ProviderConfiguration = {
    provider: PROVIDER,
    names: [outage, readers, slow, crashes].flatMap(({ names }) => names),
  };
  const world: World = { aws: await start('aws', { folder }), provider: await start('provider', configuration) };
  say('AWS and the provider are up');
  const told = async (what: string, rows: Promise<Row[]>): Promise<Row[]> => {
    const come = await rows;
    say(`${what}: ${come.every(({ won }) => won) ? 'won' : 'LOST'}`);
    return come;
  };
  const [down, read, late, crashed] = await Promise.all([
    told('outage', outage.outage(world)),
    told('readers', readers.readers(world)),
    told('slow provider', slow.slow(world)),
    told('crashes', crashes.crashes(world, say)),
  ]);
  const [crowd, alone] = [read.slice(0, 1), read.slice(1)];
  const [writes, kills, ...more] = [crashed.slice(0, 1), crashed.slice(1, 2), ...crashed.slice(2).map(row => [row])];
  return [down, crowd, late, writes ?? [], kills ?? [], alone, ...more].flat();
};

const table = (rows: readonly Row[]): string =>
  [
    '| scenario | the service beside us | token-refresher |',
    '|---|---|---|',
    ...rows.map(({ scenario, reference, ours }) => `| ${scenario} | ${reference} | ${ours} |`),
  ].join('\n');

const main = async (): Promise<boolean> => {
  const { values } = parseArgs({
    options: { record: { type: 'boolean', default: true }, help: { type: 'boolean', default: false } },
    allowNegative: true,
  });
  if (values.help) {
    console.log(usage);
    return true;
  }
  const folder = mkdtempSync(join(tmpdir(), 'token-refresher-faults-'));
  const stop = () => {
    killAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process
    .once('SIGINT', () => process.exit(130))
    .once('SIGTERM', () => process.exit(143))
    .once('exit', stop);
  const rows = await run(folder);
  const figures = `${table(rows)}\n\n${processesStarted()} processes.`;
  console.log(`\n${figures}\n`);
  const lost = rows.filter(({ won }) => !won);
  for (const { scenario } of lost) console.error(`lost: ${scenario}`);
  if (values.record && lost.length === 0) record('faults', figures);
  return lost.length === 0;
};

const won = await main().catch((error: unknown) => {
  console.error(error);
  return false;
});
process.exit(won ? 0 : 1);
