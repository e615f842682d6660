import type { Tally } from './tally.ts';

const MINUTE = 60_000;
const YEAR = 365.25 * 24 * 60 * MINUTE;

const count = (n: number): string => n.toLocaleString('en-US');

/** The figures of a long run, as shown in docs/reliability.md. */
export const simulationFigures = (tally: Tally): string => {
  const faults = Object.entries(tally.faults).toSorted(([, a], [, b]) => b - a);
  const grants = Object.entries(tally.granted).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const total = faults.reduce((sum, [, n]) => sum + n, 0);
  const bad = tally.bad.length > 0 ? ` (first seeds: ${tally.bad.map(({ seed }) => seed).join(', ')})` : '';
  return [
    '| | |',
    '|---|---:|',
    `| seeds | ${count(tally.seeds)} |`,
    `| simulated | ${(tally.simulated / YEAR).toFixed(1)} years, ${count(tally.steps)} steps |`,
    `| tokens published | ${count(tally.grants)} |`,
    `| reads checked | ${count(tally.reads)} |`,
    `| faults injected | ${count(total)} |`,
    `| **violations** | **${count(tally.violations)}**${bad} |`,
    `| worst time to recover after the last fault | ${(tally.worstRecovery / MINUTE).toFixed(1)} min |`,
    `| worst ratio of provider calls to those needed | ${tally.worstCallRatio.toFixed(2)} |`,
    '',
    '| fault | injected |',
    '|---|---:|',
    ...faults.map(([kind, n]) => `| ${kind} | ${count(n)} |`),
    '',
    '| grant | tokens that providers gave |',
    '|---|---:|',
    ...grants.map(([grant, n]) => `| ${grant} | ${count(n)} |`),
  ].join('\n');
};
