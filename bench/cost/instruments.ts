import { jsonObject } from '../../lib/core/json.ts';
import { instruments } from '../../lib/observe/powertools.ts';
import type { Clock } from '../../lib/ports.ts';
import type { Meter } from './meter.ts';

/** Called with a line that reports trouble: a healthy month has none. */
export type OnTrouble = (line: string) => void;

/** The real logger and metrics of a function; their lines are counted instead of printed. */
export const meteredInstruments = (
  deployment: string,
  { meter, clock, onTrouble }: { meter: Meter; clock: Pick<Clock, 'now'>; onTrouble: OnTrouble },
) => {
  const log = (line: string) => {
    const isMetrics = line.startsWith('{"_aws"');
    meter.log(isMetrics ? 'metrics' : (messageIn(line) ?? 'others'), line);
    if (isMetrics) for (const metric of metricsIn(jsonObject(line) ?? {})) meter.metric(metric, clock.now());
  };
  const trouble = (line: string) => {
    log(line);
    onTrouble(line);
  };
  const { logger, metrics } = instruments(deployment);
  for (const each of [logger, metrics])
    Reflect.set(each, 'console', { log, info: log, debug: log, warn: trouble, error: trouble });
  return { logger, metrics };
};

const messageIn = (line: string): string | undefined => /"message":"([^"]*)"/.exec(line)?.[1];

/** Each metric of a line in the embedded metric format, with its dimensions: CloudWatch bills this many. */
const metricsIn = (line: Readonly<Record<string, unknown>>): string[] => {
  const { _aws } = line as { readonly _aws?: { readonly CloudWatchMetrics?: readonly EmbeddedMetrics[] } };
  return (_aws?.CloudWatchMetrics ?? []).flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap(set => {
      const dimensions = set.map(name => `${name}=${line[name]}`).join();
      return Metrics.map(({ Name }) => `${Namespace}/${Name}/${dimensions}`);
    }),
  );
};

interface EmbeddedMetrics {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string }[];
}
