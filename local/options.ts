import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

export interface Options {
  readonly once: boolean;
  readonly json: boolean;
  /** A folder of real credentials instead of simulators. */
  readonly secrets?: string;
  /** A folder with definitions of further providers. */
  readonly providers?: string;
  /** Another AWS than the embedded one: a URL, or `aws` for the SDK's own settings. */
  readonly endpoint?: string;
  /** The factor by which lifetimes and ticks are shorter. */
  readonly speed: number;
  readonly port: number;
  /** The IP address that the HTTP API listens on. */
  readonly host: string;
  /** A folder that keeps state between runs. */
  readonly data?: string;
}

export const DEFAULT_PORT = 8787;
export const DEFAULT_HOST = '127.0.0.1';
const FASTEST = 120;

export const usage = `Usage: npm start -- [options]

  --once             refresh everything that is due, print the table, end with 0 if all are healthy
  --json             with --once: print JSON instead of the table
  --secrets DIR      real credentials from DIR/<provider>/<name>.json instead of the simulators
  --providers DIR    also the providers that DIR/<id>.json defines, default providers/ if it exists
  --endpoint URL     another AWS than the embedded one: an emulator's URL, or "aws" for the SDK's own settings
  --speed N          lifetimes of simulated tokens and ticks N times shorter, 1 to ${FASTEST}
  --port N           port of the HTTP API, default ${DEFAULT_PORT}
  --host IP          address of the HTTP API, default ${DEFAULT_HOST}; 0.0.0.0 for containers, with a key of your own
  --data DIR         keep state in DIR between runs, default in memory
  --help             this text`;

/** The options of the command line; undefined for --help. */
export const parseOptions = (args: readonly string[]): Options | undefined => {
  const { values } = parse(args);
  if (values.help) return undefined;
  if (values.json && !values.once) throw new UsageError('--json needs --once.');
  if (values.data !== undefined && values.endpoint !== undefined) {
    throw new UsageError('--data keeps the state of the embedded AWS: leave it out if --endpoint names another.');
  }
  const { secrets, providers, endpoint, data } = values;
  if (secrets === '') throw new UsageError('--secrets takes a folder, not "".');
  if (providers === '') throw new UsageError('--providers takes a folder, not "".');
  if (data === '') throw new UsageError('--data takes a folder, not "".');
  if (endpoint !== undefined && endpoint !== 'aws' && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw new UsageError('--endpoint takes a URL such as http://127.0.0.1:5000, or "aws" for the SDK’s own settings.');
  }
  return {
    once: values.once ?? false,
    json: values.json ?? false,
    speed: numberIn('--speed', values.speed, 1, 1, FASTEST),
    port: wholeIn('--port', values.port, DEFAULT_PORT, 0, 65_535),
    host: hostIn(values.host),
    ...(secrets !== undefined && { secrets }),
    ...(providers !== undefined && { providers }),
    ...(endpoint !== undefined && { endpoint }),
    ...(data !== undefined && { data }),
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean' },
        json: { type: 'boolean' },
        secrets: { type: 'string' },
        providers: { type: 'string' },
        endpoint: { type: 'string' },
        speed: { type: 'string' },
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split(/\.\s/, 1)[0] : 'the options cannot be read';
    throw new UsageError(`${reason}. See npm start -- --help`);
  }
};

const hostIn = (text = DEFAULT_HOST): string => {
  if (isIP(text) !== 0) return text;
  throw new UsageError(`--host takes an IP address such as 0.0.0.0, not "${text}".`);
};

const numberIn = (name: string, text: string | undefined, otherwise: number, from: number, to: number): number => {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text.trim() !== '' && value >= from && value <= to) return value;
  throw new UsageError(`${name} takes a number from ${from} to ${to}, not "${text}".`);
};

const wholeIn = (name: string, text: string | undefined, otherwise: number, from: number, to: number): number => {
  const value = numberIn(name, text, otherwise, from, to);
  if (Number.isInteger(value)) return value;
  throw new UsageError(`${name} takes a whole number from ${from} to ${to}, not "${text}".`);
};
