import { alarmsFor } from '../../infra/alarms.ts';
import type { EpochMs } from '../../lib/core/types.ts';
import { deployment } from './aws-metrics.ts';
import { AlarmEvaluator, type Measurements } from './cloudwatch.ts';

/** Alarms that have nothing to do with a lost token. */
const unconcerned = ['discovery-problems', 'expiring', 'api-errors', 'api-slow', 'tables-throttled'];
/** These alarms stay on until a person acts, long after their cause. */
const lasting = ['functions-failing'];

/** The deployed alarms, evaluated over the metrics of the functions. */
export class Alarms {
  readonly all: readonly AlarmEvaluator[];

  constructor(data: Measurements) {
    this.all = alarmsFor(deployment).map(spec => new AlarmEvaluator(spec, data));
  }

  evaluate(now: EpochMs): void {
    for (const alarm of this.all) alarm.evaluate(now);
  }

  /** Whether an alarm about a lost token was on between the two times; `attention` covers connections that need it. */
  reported(attention: boolean, from: EpochMs, to: EpochMs): boolean {
    return this.all.some(alarm => {
      const { id } = alarm.spec;
      if (unconcerned.includes(id) || (id === 'attention' && !attention)) return false;
      return lasting.includes(id) ? alarm.beganBetween(from, to) : alarm.firedBetween(from, to);
    });
  }

  get fired(): number {
    return this.all.reduce((sum, { fired }) => sum + fired.length, 0);
  }
}
