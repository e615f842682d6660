import { parseArgs } from 'node:util';
import { minutes, seconds } from '../lib/core/types.ts';
import { limitedCalls } from '../test/kit/limited-calls.ts';
import { record } from '../tools/figures/section.ts';

/** How much of a rate limit is used, and its cost: in virtual time, for the same figures on any machine. */
const limits = {
  'PowerOffice v1, 50 in 1 s': { calls: 50, per: seconds(1) },
  'PowerOffice v2, 10 in 1 s': { calls: 10, per: seconds(1) },
  'OfficeRnD, 5 in 60 s': { calls: 5, per: minutes(1) },
};

const { values } = parseArgs({ options: { record: { type: 'boolean', default: false } } });

const lines = [
  '| limit | processes | clocks differ by | share of the limit | most in a window | store operations a call | 429 |',
  '|---|---:|---:|---:|---:|---:|---:|',
];
for (const [name, limit] of Object.entries(limits)) {
  for (const processes of [1, 8]) {
    for (const clocks of processes === 1 ? [0] : [0, 50, 3000]) {
      const lasts = limit.per * 120;
      const refuses = clocks > 50;
      const calls = await limitedCalls({ limit, processes, callers: 40, lasts, clocks, refuses });
      const share = `${(calls.share * 100).toFixed(1)} %`;
      const operations = (calls.operations / calls.times.length).toFixed(2);
      const row = [
        name,
        processes,
        `${clocks} ms`,
        share,
        `${calls.worst} of ${limit.calls}`,
        operations,
        calls.refused,
      ];
      lines.push(`| ${row.join(' | ')} |`);
    }
  }
}
console.log(lines.join('\n'));
if (values.record) record('docs/reliability.md', 'rate-limits', lines.join('\n'));
