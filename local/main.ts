import { once } from 'node:events';
import { apiKey, KEY_VARIABLE } from './api-key.ts';
import { openAws } from './aws/open.ts';
import { checkFolder } from './data-folder.ts';
import { firstRound } from './first-round.ts';
import { type Laptop, openLaptop } from './laptop.ts';
import { live } from './live-table.ts';
import { laptopLog } from './log-lines.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { addedProviders } from './providers.ts';
import { refusalSentence, sentenceOf } from './refusal.ts';
import { runTicks } from './schedule.ts';
import { openSource } from './sources.ts';
import { table } from './table.ts';
import { UsageError } from './usage-error.ts';
import { openPort } from './web.ts';

/** Progress goes to standard error, results to standard output. */
const say = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)}  ${line}`);

/** Everything to close, in reverse order of opening. */
const open: (() => Promise<void>)[] = [];
const opened = <T extends { close(): Promise<void> }>(thing: T): T => {
  open.unshift(() => thing.close());
  return thing;
};
const closeAll = async () => {
  for (const close of open.splice(0)) await close();
};

/** Why the embedded AWS takes no writes, once it is open. */
let refusal: () => string | undefined = () => undefined;

const main = async (args: readonly string[]): Promise<number> => {
  const options = parseOptions(args);
  if (!options) {
    console.log(usage);
    return 0;
  }
  // Files of this process are for this user only.
  process.umask(0o077);
  const key = options.once ? '' : apiKey(process.env[KEY_VARIABLE], options.host);
  if (options.data !== undefined) checkFolder(options.data);
  const added = addedProviders(options.providers);
  const source = opened(await openSource(options, added));
  const web = options.once ? undefined : opened(await openPort(options.port, key, options.host));
  const aws = opened(await openAws(options));
  const screen = web && process.stdout.isTTY ? opened(live()) : undefined;
  const print = screen?.say ?? say;
  print(`credentials: ${source.name}`);
  print(`AWS: ${aws.name}`);
  refusal = aws.refusal;
  const log = laptopLog(print, aws.refusal);
  const laptop = opened(await openLaptop(options, { source, aws, added }, log));
  if (!web) return refreshOnce(laptop, options);

  web.serve(laptop.api);
  print(`HTTP API: ${web.url}`);
  const [first] = await laptop.connections().catch(() => []);
  const path = first ? `/tokens/${first.connection}` : '/connections';
  const example = `curl -H 'Authorization: Bearer ${key}' ${web.url}${path}`;
  if (screen) screen.draw(example, laptop);
  else say(`try: ${example}`);
  const stop = onSignal();
  const ticks = opened(runTicks(laptop.ticks, log.error));
  // A store that refuses now may accept at the next tick.
  await firstRound(laptop, print, stop).catch(log.error);
  if (!screen) await laptop.views().then(views => console.log(table(views, Date.now())), log.error);
  if (!stop.aborted) await once(stop, 'abort');
  await ticks.close();
  return 0;
};

const refreshOnce = async (laptop: Laptop, { json }: Options): Promise<number> => {
  await firstRound(laptop, say);
  const refused = laptop.refusal();
  if (refused !== undefined) throw new UsageError(refusalSentence(refused));
  const connections = await laptop.views();
  console.log(json ? JSON.stringify({ connections }, undefined, 2) : table(connections, Date.now()));
  const sick = connections.filter(each => each.status !== 'healthy');
  if (connections.length === 0) say('there are no connections');
  else if (sick.length > 0) say(`${sick.length} of ${connections.length} connections are not healthy`);
  else say(`all ${connections.length} connections are healthy`);
  return connections.length > 0 && sick.length === 0 ? 0 : 1;
};

const onSignal = (): AbortSignal => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
};

/**
 * Prints one sentence for an error that a person can fix, and exits with 2. Any other error is a bug and shows its
 * stack.
 */
const failed = async (error: unknown): Promise<void> => {
  const sentence = sentenceOf(error, refusal());
  // Restore the terminal first: it drops what is printed on its alternate screen.
  await closeAll().catch(() => {});
  if (sentence === undefined) throw error;
  console.error(sentence);
  process.exitCode = 2;
};

// The engine throws a disk failure outside of any pending request.
process.once('uncaughtException', error => void failed(error).then(() => process.exit()));

try {
  process.exitCode = await main(process.argv.slice(2));
  await closeAll();
} catch (error) {
  await failed(error);
}
