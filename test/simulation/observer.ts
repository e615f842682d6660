import type { MetricRef } from '../../infra/alarm-spec.ts';
import { DEFAULT_NAME } from '../../lib/core/deployment.ts';
import type { Transition } from '../../lib/events.ts';
import { measureRefresh, measureUnclaimed, type Sample } from '../../lib/observe/measure.ts';
import { dimensionsOf, NAMESPACE } from '../../lib/observe/metrics.ts';
import { logObserver } from '../../lib/observe/powertools.ts';
import { publishingTransitions } from '../../lib/observe/transitions.ts';
import type { Clock } from '../../lib/ports.ts';
import type { Observer } from '../../lib/refresh/sweep.ts';

const refs = new Map<string, MetricRef>();
const refOf = (name: string): MetricRef => {
  const ref = refs.get(name) ?? { namespace: NAMESPACE, name, dimensions: dimensionsOf(DEFAULT_NAME) };
  refs.set(name, ref);
  return ref;
};

/** The outputs of a function. */
export interface Outlets {
  /** Sends a value to CloudWatch, which shows it some time later. */
  readonly measured: (metric: MetricRef, value: number) => void;
  readonly logged: (line: string) => void;
  readonly changed: (transition: Transition) => void;
}

/** Measurements as they leave a function. */
export const emit = ({ measured, logged }: Outlets, samples: readonly Sample[]): void => {
  for (const sample of samples) {
    logged(JSON.stringify(sample));
    measured(refOf(sample.name), sample.value);
  }
};

/**
 * The observer of a refresher: the deployed logs, metrics and events. Metrics and events leave when an invocation ends:
 * a killed one sends none.
 */
export const observerOf = (outlets: Outlets, clock: Clock): { readonly observer: Observer; flush(): Promise<void> } => {
  const { logged, changed } = outlets;
  const samples: Sample[] = [];
  const line = (message: string, extra: object) => logged(`${message} ${JSON.stringify(extra)}`);
  const log = logObserver({ info: line, warn: line, error: line });
  const { observer, middleware } = publishingTransitions(
    {
      refresh: report => {
        samples.push(...measureRefresh(report));
        log.refresh(report);
      },
      unclaimed: (connection, code) => {
        samples.push(...measureUnclaimed());
        log.unclaimed(connection, code);
      },
      retired: log.retired,
      outOfTime: log.outOfTime,
      sweep: log.sweep,
    },
    clock,
    async transitions => {
      for (const transition of transitions) {
        logged(JSON.stringify(transition));
        changed(transition);
      }
    },
    error => logged(wordsOf(error)),
  );
  return {
    observer,
    flush: async () => {
      emit(outlets, samples.splice(0));
      // The middleware reads nothing of the request.
      await middleware.after?.({} as Parameters<NonNullable<typeof middleware.after>>[0]);
    },
  };
};

/** Everything that Lambda logs about an uncaught error. */
export const wordsOf = (error: unknown): string =>
  error instanceof Error ? `${error.stack} ${error.cause === undefined ? '' : wordsOf(error.cause)}` : String(error);
