import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { record } from '../../tools/figures/section.ts';
import { providerFor, type SecretKind } from './customers.ts';
import { secondsText } from './poll.ts';
import type { ProviderConfiguration } from './processes/provider.ts';
import { killAll, processesStarted, type Running, startProcess } from './processes.ts';
import * as crashes from './rows/crashes.ts';
import * as doubt from './rows/doubt.ts';
import * as outage from './rows/outage.ts';
import * as readers from './rows/readers.ts';
import * as slow from './rows/slow.ts';
import type { Row, SharedProcesses } from './stage.ts';

const usage = `Usage: npm run test:faults -- [--no-record]

  --no-record   leave docs/reliability.md as it is`;

const startedAt = Date.now();
const say = (line: string): void => console.log(`${secondsText(Date.now() - startedAt).padStart(7)}  ${line}`);

/**
 * Runs the rows of each kind of connection in parallel, since they mostly wait; returns them in the order of the table.
 */
const run = async (folder: string): Promise<Row[]> => {
  const [many, alone] = ['credentials', 'a refresh token alone'] as const;
  const provider = (held: SecretKind, ...names: readonly (readonly string[])[]): Promise<Running> => {
    const configuration: ProviderConfiguration = { provider: providerFor[held], names: names.flat() };
    return startProcess('provider', configuration);
  };
  const shared: SharedProcesses = {
    aws: await startProcess('aws', { folder }),
    providers: {
      [many]: await provider(many, outage.outageNames, readers.readerNames, slow.slowNames, crashes.namesFor(many)),
      [alone]: await provider(alone, outage.outageNames, slow.slowNames, crashes.namesFor(alone), doubt.doubtNames),
    },
  };
  say('AWS and the providers are up');
  const reported = async (what: string, rows: Promise<Row[]>): Promise<Row[]> => {
    const come = await rows;
    say(`${what}: ${come.every(({ won }) => won) ? 'won' : 'LOST'}`);
    return come;
  };
  const [read, down, late, crashed] = await Promise.all([
    reported('readers', readers.readers(shared)),
    reported('outage', outage.outage(shared, many)),
    reported('slow provider', slow.slow(shared)),
    reported('crashes', crashes.crashes(shared, many, say)),
  ]);
  const [doubtful, downAlone, lateAlone, crashedAlone] = await Promise.all([
    reported('only copy in doubt', doubt.doubt(shared, say)),
    reported('only copy, outage', outage.outage(shared, alone)),
    reported('only copy, slow provider', slow.onlySlow(shared)),
    reported('only copy, crashes', crashes.crashes(shared, alone, say)),
  ]);
  const pairs = crashed.flatMap((row, n) => [row, ...crashedAlone.slice(n, n + 1)]);
  const [crowd, reads] = [read.slice(0, 1), read.slice(1)];
  const [crashesOfBoth, racesOfBoth] = [pairs.slice(0, 4), pairs.slice(4)];
  return [down, downAlone, crowd, late, lateAlone, crashesOfBoth, doubtful, reads, racesOfBoth].flat();
};

const table = (rows: readonly Row[]): string =>
  [
    '| scenario | connections hold | the other service, with refresh tokens alone | token-refresher |',
    '|---|---|---|---|',
    ...rows.map(row => `| ${row.scenario} | ${row.held} | ${row.reference} | ${row.ours} |`),
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
  if (values.record && lost.length === 0) record('docs/reliability.md', 'faults', figures);
  return lost.length === 0;
};

const won = await main().catch((error: unknown) => {
  console.error(error);
  return false;
});
process.exit(won ? 0 : 1);
