import { alarmsFor } from '../../infra/alarms.ts';
import type { EpochMs } from '../../lib/core/types.ts';
import { deployment } from './aws-metrics.ts';
import { AlarmEvaluator, type Measurements } from './cloudwatch.ts';

/**
 * What each alarm reports about a lost token. `lasting`: it stays on until a person acts, long after its cause. `attention`:
 * it covers connections that need a person.
 */
const kinds: Readonly<Record<string, 'reports' | 'lasting' | 'attention' | 'nothing'>> = {
  'watch-silent': 'reports',
  overdue: 'reports',
  'life-low': 'reports',
  attention: 'attention',
  'discovery-problems': 'nothing',
  expiring: 'nothing',
  'refreshes-failing': 'reports',
  'commits-failing': 'reports',
  'api-errors': 'nothing',
  'api-slow': 'nothing',
  'functions-failing': 'lasting',
  'tables-throttled': 'nothing',
};

/** The deployed alarms, evaluated over the metrics of the functions. */
export class Alarms {
  readonly all: readonly AlarmEvaluator[];

  constructor(data: Measurements) {
    this.all = alarmsFor(deployment).map(spec => new AlarmEvaluator(spec, data));
    const missing = this.all.find(({ spec }) => !(spec.id in kinds));
    if (missing) throw new Error(`"kinds" in test/simulation/alarms.ts must have "${missing.spec.id}".`);
  }

  evaluate(now: EpochMs): void {
    for (const alarm of this.all) alarm.evaluate(now);
  }

  /** Whether an alarm about a lost token was on between the two times. `attention`: its connection needed a person. */
  reported(attention: boolean, from: EpochMs, to: EpochMs): boolean {
    return this.all.some(alarm => {
      const kind = kinds[alarm.spec.id];
      if (kind === 'nothing' || (kind === 'attention' && !attention)) return false;
      return kind === 'lasting' ? alarm.beganBetween(from, to) : alarm.firedBetween(from, to);
    });
  }

  get fired(): number {
    return this.all.reduce((sum, { fired }) => sum + fired.length, 0);
  }
}
