import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Depth, explore, type Group, groupsAt, kinds, parseId, run, type Summary } from './explore.ts';

const usage = `Usage: npm run interleavings [-- --bounded | --only ID]

Runs every interleaving of two processes with one preemption, with a summary.

  --bounded   a quarter of them, for CI: the second process mostly runs to its end
  --only ID   one of them, with all that happens in it: worker+discovery/deleted-restored/late/7/12,
              or with the moments of its events: worker+worker/tokens-emptied/paused/3/end@5`;

interface Done {
  readonly index: number;
  readonly summary: Summary;
}

/** Explores the groups in one thread per core. */
const exploreAll = async (depth: Depth): Promise<readonly Summary[]> => {
  const groups = groupsAt(depth);
  const summaries: Summary[] = [];
  let next = 0;
  const hand = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url), { workerData: depth });
    while (next < groups.length) {
      const index = next++;
      const done = await new Promise<Done>((resolve, reject) => {
        worker.removeAllListeners('error').once('message', resolve).once('error', reject);
        worker.postMessage(index);
      });
      summaries[done.index] = done.summary;
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, hand));
  return summaries;
};

const total = (summaries: readonly Summary[], of: (summary: Summary) => number): number =>
  summaries.reduce((sum, summary) => sum + of(summary), 0);

/** A line for each scenario, a column for each kind, and the failures. */
const table = (groups: readonly Group[], summaries: readonly Summary[]): string => {
  const rows = Map.groupBy(groups, ({ scenario, pair }) => `${pair.join('+')} | ${scenario.name}`);
  const cell = (group: Group | undefined): string => {
    const summary = group && summaries[groups.indexOf(group)];
    if (!summary) return '';
    const { runs, failures } = summary;
    return failures.length > 0 ? `${runs}, ${failures.length} failed` : `${runs}`;
  };
  const lines = [...rows].map(([name, each]) => {
    const lost = total(
      each.map(group => summaries[groups.indexOf(group)]).filter(summary => summary !== undefined),
      summary => summary.lost,
    );
    const cells = kinds.map(kind => cell(each.find(group => group.kind === kind)));
    return `| ${[name, ...cells, lost || ''].join(' | ')} |`;
  });
  return [
    `| processes | scenario | ${kinds.join(' | ')} | only copy lost by nature |`,
    `|---|---|${'---:|'.repeat(kinds.length + 1)}`,
    ...lines,
  ].join('\n');
};

const many = async (depth: Depth): Promise<boolean> => {
  const started = Date.now();
  const summaries = await exploreAll(depth);
  console.log(table(groupsAt(depth), summaries));
  for (const { id, violations } of summaries.flatMap(({ failures }) => failures)) {
    console.error(`${id}: ${violations.join('; ')}`);
  }
  const runs = total(summaries, summary => summary.runs);
  const lost = total(summaries, summary => summary.lost);
  const failed = total(summaries, summary => summary.failures.length);
  const took = ((Date.now() - started) / 1000).toFixed(0);
  console.log(
    `\n${runs} interleavings in ${took} s, ${failed} failed; in ${lost} the only copy of access is lost by nature.`,
  );
  return failed === 0;
};

const one = async (id: string): Promise<boolean> => {
  const interleaving = parseId(id);
  if (!interleaving) {
    console.error(`There is no interleaving "${id}".\n\n${usage}`);
    return false;
  }
  const { log, violations, lost, beyond } = await run(interleaving);
  console.log(log.join('\n'));
  if (beyond) console.log(`The processes have fewer operations than that: look at "${beyond}".`);
  if (lost) console.log('The only copy of access is lost by nature.');
  console.log(violations.length > 0 ? violations.map(each => `violated: ${each}`).join('\n') : 'It ends well.');
  return violations.length === 0;
};

const main = (): Promise<boolean> => {
  const { values } = parseArgs({
    options: { bounded: { type: 'boolean' }, only: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (!values.help) return values.only === undefined ? many(values.bounded ? 'bounded' : 'all') : one(values.only);
  console.log(usage);
  return Promise.resolve(true);
};

if (isMainThread) process.exitCode = (await main()) ? 0 : 1;
else {
  const depth: Depth = workerData;
  parentPort?.on('message', async (index: number) => {
    const group = groupsAt(depth)[index];
    if (group) parentPort?.postMessage({ index, summary: await explore(group, depth) } satisfies Done);
  });
}
