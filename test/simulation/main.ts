import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { providers } from '../../lib/providers/index.ts';
import { rotatingProviders } from '../../local/simulators/index.ts';
import { record } from '../../tools/figures/section.ts';
import { CONNECTIONS, crowd } from './crowd.ts';
import { deadSchedules } from './dead-schedule.ts';
import { simulationFigures } from './figures.ts';
import { healthy } from './healthy.ts';
import { type SeedOutcome, SeedRun } from './run.ts';
import { add, emptyTally, merge, type Tally } from './tally.ts';

const usage = `Usage: npm run simulate -- [--seeds N] [--seed S] [--dead-schedule] [--json] [--record]

  --seeds N   as many runs as that, from seed 1 on, and 10,000 connections of one rate limit; default 1000
  --seed S    one run, with all there is to say about it
  --dead-schedule
              100 runs of 100 connections whose schedule dies: how long before their tokens expire it is reported
  --json      with --seeds: print the figures as JSON
  --record    with --seeds or --dead-schedule: write the figures into docs/reliability.md`;

/** Seeds go to the workers in slices: small enough for progress, large enough to be worth a message. */
const SLICE = 20;
const MINUTE = 60_000;
const YEAR = 365.25 * 24 * 60 * MINUTE;

const number = (name: string, text: string): number => {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  console.error(`--${name} takes a whole number from 1 on, not "${text}".\n\n${usage}`);
  process.exit(2);
};

const slice = async (from: number, to: number): Promise<Tally> => {
  const tally = emptyTally();
  for (let seed = from; seed < to; seed += 1) add(tally, await new SeedRun(seed).run());
  return tally;
};

/** The job of a worker: some seeds, the crowd, or the runs in which nothing goes wrong. */
type Job = 'crowd' | 'healthy' | readonly [from: number, to: number];

class Hand {
  readonly #worker = new Worker(new URL(import.meta.url), { workerData: 'worker' });

  #run<T>(job: Job): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#worker.removeAllListeners('error').once('message', resolve).once('error', reject);
      this.#worker.postMessage(job);
    });
  }

  crowd(): Promise<SeedOutcome> {
    return this.#run('crowd');
  }

  healthy(): Promise<readonly string[]> {
    return this.#run('healthy');
  }

  async work(next: { value: number }, last: number, done: (tally: Tally) => void): Promise<void> {
    while (next.value <= last) {
      const from = next.value;
      next.value += SLICE;
      done(await this.#run<Tally>([from, Math.min(next.value, last + 1)]));
    }
    await this.#worker.terminate();
  }
}

const manySeeds = async (seeds: number, how: { json: boolean; record: boolean }): Promise<boolean> => {
  const started = Date.now();
  const tally = emptyTally();
  let shown = started;
  const done = (part: Tally) => {
    merge(tally, part);
    if (Date.now() - shown < 5000) return;
    shown = Date.now();
    const where = tally.bad.length === 0 ? '' : ` (seeds ${tally.bad.map(({ seed }) => seed).join(', ')})`;
    console.error(
      `${tally.seeds} of ${seeds} seeds, ${(tally.simulated / YEAR).toFixed(1)} years, ${tally.violations} violations${where}`,
    );
  };
  const next = { value: 1 };
  // A signal ends the run early and still prints its figures.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      next.value = Number.POSITIVE_INFINITY;
    });
  const hands = Array.from({ length: availableParallelism() }, () => new Hand());
  const [first] = hands;
  const crowded = first?.crowd();
  // It may be the only one, and does one job at a time.
  const noisy = crowded?.then(() => first?.healthy());
  await Promise.all(
    hands.map(async hand => {
      if (hand === first) await noisy;
      await hand.work(next, seeds, done);
    }),
  );
  const outcome = await crowded;
  const noise = (await noisy) ?? [];
  if (how.record) record('docs/reliability.md', 'simulation', simulationFigures(tally));
  if (how.json) console.log(JSON.stringify(tally));
  else print(tally, Date.now() - started);
  if (outcome && !how.json) printCrowd(outcome);
  for (const each of noise) console.log(`While nothing goes wrong, there is ${each}.`);
  const missing = seeds >= ENOUGH ? neverGranted(tally) : [];
  if (missing.length > 0) console.log(`\nnever granted, so these seeds show nothing about it: ${missing.join(', ')}`);
  return tally.violations === 0 && missing.length === 0 && noise.length === 0 && outcome?.violations.length === 0;
};

const answerTo = (job: Job): Promise<unknown> => {
  if (job === 'crowd') return crowd();
  return job === 'healthy' ? healthy() : slice(...job);
};

/**
 * This many seeds must use every grant of every provider: the rarest one needs a store that fails between two writes.
 */
const ENOUGH = 10_000;
const neverGranted = ({ granted }: Tally): readonly string[] =>
  providers
    .flatMap(({ id }) => [`${id} login`, ...(rotatingProviders.has(id) ? [`${id} refresh`] : [])])
    .filter(grant => !granted[grant]);

const print = (tally: Tally, took: number): void => {
  const faults = Object.values(tally.faults).reduce((sum, n) => sum + n, 0);
  console.log(
    `${tally.seeds} seeds, ${(tally.simulated / YEAR).toFixed(1)} years simulated in ${Math.round(took / 1000)} s: ` +
      `${tally.grants} tokens published, ${tally.reads} reads, ${faults} faults injected, ${tally.violations} violations`,
  );
  console.log(
    `worst time to recover ${(tally.worstRecovery / MINUTE).toFixed(1)} min, ` +
      `worst ratio of provider calls to those needed ${tally.worstCallRatio.toFixed(2)}`,
  );
  for (const { seed, violations } of tally.bad) {
    console.log(
      `\nseed ${seed} (npm run simulate -- --seed ${seed})\n${violations.map(each => `  ${each}`).join('\n')}`,
    );
  }
};

const printCrowd = ({ violations, grants, simulated }: SeedOutcome): void => {
  console.log(
    `${CONNECTIONS.toLocaleString('en-US')} connections of one PowerOffice v2 key for ${simulated / MINUTE} minutes: ` +
      `${grants} tokens published, ${violations.length === 0 ? 'none expired' : `${violations.length} violations`}`,
  );
  for (const violation of violations) console.log(`  ${violation}`);
};

if (isMainThread) {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      'dead-schedule': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  });
  if (values['dead-schedule']) {
    process.exitCode = (await deadSchedules(values.record)) ? 0 : 1;
  } else if (values.seed !== undefined) {
    const outcome = await new SeedRun(number('seed', values.seed)).run();
    console.log(outcome);
    process.exitCode = outcome.violations.length === 0 ? 0 : 1;
  } else {
    process.exitCode = (await manySeeds(number('seeds', values.seeds ?? '1000'), values)) ? 0 : 1;
  }
} else if (workerData === 'worker') {
  parentPort?.on('message', (job: Job) => {
    void answerTo(job).then(result => parentPort?.postMessage(result));
  });
}
