import type { AlarmSpec, Deployment } from '../../infra/alarm-spec.ts';
import { alarmsFor } from '../../infra/alarms.ts';
import { WATCH_EVERY, defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import type { Provider } from '../../lib/core/provider.ts';
import { type EpochMs, minutes } from '../../lib/core/types.ts';
import { AlarmEvaluator, type Measurements } from './cloudwatch.ts';
import { START } from './network.ts';

/** The functions of a deployment, as the simulated cloud calls them. */
const deploymentOf = (providers: readonly Provider[], schedules: number): Deployment => ({
  providers: providers.map(provider => ({
    id: provider.id,
    lifetime: provider.lifetime,
    tick: tickOf(provider),
    schedules,
    refreshAt: defaultPolicy.refreshAt,
  })),
  functions: [
    { id: 'watch', every: WATCH_EVERY },
    { id: 'api', every: minutes(5) },
    ...providers.map(provider => ({ id: `refresh-${provider.id}`, every: tickOf(provider) })),
  ].map(each => ({ ...each, name: each.id, timeout: minutes(3) })),
  tables: [],
  apiId: 'api',
  deadLetters: 'queue',
});

/** The alarms that are deployed, over what the functions measure. */
export class Alarms {
  readonly all: readonly AlarmEvaluator[];

  constructor(providers: readonly Provider[], schedules: number, data: Measurements) {
    this.all = alarmsFor(deploymentOf(providers, schedules)).map(spec => new AlarmEvaluator(spec, data));
  }

  evaluate(now: EpochMs): void {
    for (const alarm of this.all) {
      // Each minute, over a window that slides; but an alarm of a schedule that is new has nothing to look at yet.
      const { period, evaluationPeriods } = alarm.spec;
      if (now - START > (evaluationPeriods + 1) * period) alarm.evaluate(now);
    }
  }

  /** Whether an alarm that has to do with a connection was on at some moment between the two. */
  told({ provider, attention }: { provider: string; attention: boolean }, from: EpochMs, to: EpochMs): boolean {
    const shared = ['discovery-missing', 'function-errors-discover'];
    const concerns = ({ id, runbook }: AlarmSpec) =>
      // That another connection needs a person says nothing of this one.
      (id.endsWith(provider) && (runbook !== 'attention' || attention)) || shared.includes(id);
    return this.all.some(alarm => concerns(alarm.spec) && alarm.firedBetween(from, to));
  }

  get fired(): number {
    return this.all.reduce((sum, { fired }) => sum + fired.length, 0);
  }
}
