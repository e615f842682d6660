import type { CostDemand } from './demand.ts';
import { monthlyUsageOf } from './month.ts';
import { DemandError, type Plan, planOf } from './plan.ts';
import type { MonthlyUsage } from './prices.ts';
import { type Metered, metered } from './run.ts';
import { synthesized, type TemplateResources } from './template.ts';

export interface Estimate {
  readonly plan: Plan;
  readonly usage: MonthlyUsage;
  readonly metered: Metered;
}

/** Only the used providers are deployed: a new provider of the package does not change what others cost. */
export const templateResourcesOf = ({ shares, refreshAt }: Plan): TemplateResources => {
  const packed = Math.max(...shares.map(share => share.packed));
  return synthesized({
    alarmEmail: 'operators@example.com',
    providers: Object.fromEntries(shares.map(({ provider, schedules }) => [provider.id, { schedules, refreshAt }])),
    ...(packed > 200 && { connectionsPerSecret: packed }),
  });
};

/** A month of a demand. Throws if the deployment cannot keep up: the estimate would be useless. */
export const estimate = async (demand: CostDemand): Promise<Estimate> => {
  const plan = planOf(demand);
  const deployed = templateResourcesOf(plan);
  const run = await metered(plan, deployed);
  const { lowestLife, longestOverdue, troubles } = run;
  if (troubles.length > 0) throw new Error(`the metered time was not a healthy one: ${troubles.join('\n')}`);
  if (longestOverdue >= 1 || lowestLife < 0.5) {
    throw new DemandError(
      '"--connections" must be fewer, or "--schedules" or "--keys" more: this deployment does not keep up with its renewals.',
    );
  }
  return { plan, usage: monthlyUsageOf(plan, deployed, run), metered: run };
};
