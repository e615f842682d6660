import { alarmsFor } from '../../infra/alarms.ts';
import type { EpochMs } from '../../lib/core/types.ts';
import { deployment } from './aws-metrics.ts';
import { AlarmEvaluator, type Measurements } from './cloudwatch.ts';

/** What these alarms report says nothing of a connection that loses its token. */
const unconcerned = ['discovery-problems', 'expiring', 'api-errors', 'api-slow', 'tables-throttled'];
/** These stay on until a person acts, long after what they reported. */
const lasting = ['functions-failing'];

/** The alarms that are deployed, over what the functions measure. */
export class Alarms {
  readonly all: readonly AlarmEvaluator[];

  constructor(data: Measurements) {
    this.all = alarmsFor(deployment).map(spec => new AlarmEvaluator(spec, data));
  }

  evaluate(now: EpochMs): void {
    for (const alarm of this.all) alarm.evaluate(now);
  }

  /** Whether an alarm that has to do with a lost token was on between the two; \`attention\` concerns those that need it. */
  told(attention: boolean, from: EpochMs, to: EpochMs): boolean {
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
