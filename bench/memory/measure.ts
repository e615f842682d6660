import * as z from 'zod';
import type { FunctionName } from '../../infra/staged-function.ts';
import { allShards } from '../../lib/core/shard.ts';
import { hours } from '../../lib/core/types.ts';
import { RunningFunction, type SimulatedEndpoints, type Synthesized } from './functions.ts';
import type { Customers } from './scenario.ts';

/** In MB: before the first event, and the peak during each kind of work. */
export interface MeasuredMemory {
  readonly name: FunctionName;
  readonly what: string;
  readonly idle: number;
  readonly peak: number;
}

type Progress = (measured: MeasuredMemory, took: number) => void;

/** At this time every token that was issued at the beginning is due. */
const DUE_AGAIN = hours(5);

const discoverySchema = z.object({
  connections: z.number(),
  added: z.array(z.string()),
  problems: z.array(z.unknown()),
});
const sweepSchema = z.object({ due: z.number(), left: z.number(), results: z.object({ refreshed: z.number() }) });
const answerSchema = z.object({ statusCode: z.literal(200), body: z.string() });
const listSchema = z.object({ connections: z.array(z.unknown()), cursor: z.string().nullable() });

const insist = (what: string, got: number, wanted: number): void => {
  if (got !== wanted) throw new Error(`${what}: ${got}, not ${wanted}`);
};

/** The memory of each function for everything that it does, each in one process that stays warm. */
export const measure = async (
  functions: readonly Synthesized[],
  endpoints: SimulatedEndpoints,
  { connections }: Customers,
  progress: Progress,
): Promise<readonly MeasuredMemory[]> => {
  const all = connections.length;
  const measured: MeasuredMemory[] = [];
  const running: RunningFunction[] = [];
  const start = async (name: FunctionName): Promise<RunningFunction> => {
    const fn = functions.find(each => each.name === name);
    if (!fn) throw new Error(`there is no function ${name}`);
    const started = await RunningFunction.start(fn, endpoints);
    running.push(started);
    return started;
  };
  const during = async (fn: RunningFunction, what: string, work: () => Promise<void>) => {
    const since = Date.now();
    const peak = await fn.peakOf(work);
    const row = { name: fn.name, what, idle: fn.idle, peak };
    measured.push(row);
    progress(row, Date.now() - since);
  };

  const watch = await start('watch');
  const refresh = await start('refresh');
  const api = await start('api');
  await during(watch, 'all are added', () => discovered(watch, all, all));
  await during(refresh, 'all log in', () => swept(refresh, all, 0));
  await during(watch, 'nothing has changed', () => discovered(watch, all, 0));
  await during(refresh, 'all are refreshed', () => swept(refresh, all, DUE_AGAIN));
  await during(api, 'all are listed', () => listed(api, all, {}));
  await during(api, 'all are passed over by a filter', () => listed(api, 0, { status: 'attention' }));
  await during(api, 'each token is read', () => read(api, connections));
  for (const each of running) await each.end();
  return measured;
};

const discovered = async (fn: RunningFunction, all: number, added: number): Promise<void> => {
  const report = discoverySchema.parse(await fn.invoke({}));
  insist('connections', report.connections, all);
  insist('added', report.added.length, added);
  insist('problems', report.problems.length, 0);
};

/** Ticks until nothing is due. */
const swept = async (fn: RunningFunction, all: number, ahead: number): Promise<void> => {
  let refreshed = 0;
  for (let tick = 1; refreshed < all; tick++) {
    const report = sweepSchema.parse(await fn.invoke({ shards: allShards }, ahead));
    insist(`due at tick ${tick}`, report.due, all - refreshed);
    if (report.results.refreshed === 0) throw new Error(`nothing was refreshed by tick ${tick}`);
    refreshed += report.results.refreshed;
  }
};

const get = async (fn: RunningFunction, rawPath: string, query: Readonly<Record<string, string>>): Promise<string> => {
  const event = { rawPath, queryStringParameters: query, requestContext: { http: { method: 'GET' } } };
  return answerSchema.parse(await fn.invoke(event)).body;
};

/** In the largest pages. */
const listed = async (fn: RunningFunction, wanted: number, filter: Readonly<Record<string, string>>): Promise<void> => {
  let shown = 0;
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { ...filter, limit: '500', ...(cursor !== undefined && { cursor }) };
    const page = listSchema.parse(JSON.parse(await get(fn, '/connections', query)));
    shown += page.connections.length;
    cursor = page.cursor;
  }
  insist('listed', shown, wanted);
};

const read = async (fn: RunningFunction, connections: readonly string[]): Promise<void> => {
  for (const connection of connections) await get(fn, `/tokens/${connection}`, {});
};
