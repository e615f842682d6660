import { SettingsError } from '../infra/options.ts';
import { provenance } from '../tools/figures/section.ts';
import { estimate, templateResourcesOf } from './cost/estimate.ts';
import { costUsage, parseCostOptions } from './cost/options.ts';
import { DemandError, planOf } from './cost/plan.ts';
import { costScenarios, type Recorded, recordedOf, stillTrue, write } from './cost/record.ts';
import { bothBills, costReportOf, dollars } from './cost/report.ts';

/**
 * A month's bill, from the synthesized template, from calls that are counted while the real handlers run, and from
 * prices.
 */

/** Measures the columns that are not what the template has now, or all. */
const record = async (which: 'changed' | 'all'): Promise<void> => {
  const { date, commit } = provenance();
  const recorded: Recorded[] = [];
  for (const scenario of costScenarios) {
    const { demand } = parseCostOptions(scenario.options.split(' ')) ?? {};
    if (!demand) continue;
    const plan = planOf(demand);
    const known = which === 'all' ? undefined : stillTrue(scenario, plan, templateResourcesOf(plan));
    if (!known) console.error(`${scenario.title} connections: measuring …`);
    const result = known ?? recordedOf({ scenario, demand, date, commit, estimate: await estimate(demand) });
    const { full, free } = bothBills(result.usage);
    console.error(`${scenario.title}: ${dollars(full.total)}, with the free tier ${dollars(free.total)}`);
    recorded.push(result);
  }
  write(recorded);
};

try {
  const options = parseCostOptions(process.argv.slice(2));
  if (!options) console.log(costUsage);
  else if (options.record) await record(options.record);
  else {
    const { plan, usage: month } = await estimate(options.demand);
    const { full, free } = bothBills(month);
    if (options.json) console.log(JSON.stringify({ usage: month, dollars: full.total, withFreeTier: free.total }));
    else console.log(costReportOf(plan, month));
  }
} catch (error) {
  if (!(error instanceof DemandError || error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
