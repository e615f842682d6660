import { setTimeout as sleep } from 'node:timers/promises';
import { minutes, seconds } from '../../../lib/core/types.ts';
import { authorized } from '../key.ts';
import { until } from '../poll.ts';
import { type Row, RowStage, type SharedProcesses } from '../stage.ts';

export const readerNames = ['crowd', 'reads', 'reads-min-ttl'];

const READERS = 100;
const READS = 20;
/** More than the lifetime of the tokens, in seconds. */
const UNATTAINABLE = 900;

/** The calls that readers cause: many at once, and many one after another. */
export const readers = async (shared: SharedProcesses): Promise<Row[]> => {
  const stage = new RowStage(shared, 'readers');
  const refreshers = await Promise.all([stage.refresher(), stage.refresher()]);
  const apis = await Promise.all(refreshers.map(each => stage.api(each)));
  const [crowd, plain, demanding] = await stage.open(readerNames, minutes(10));
  const [first] = refreshers;
  if (!first || !crowd || !plain || !demanding) throw new Error('no connections');
  const read = async (n: number, path: string): Promise<string> => {
    const answer = await fetch(`${apis[n % apis.length]?.url}/tokens/${path}`, authorized);
    const { accessToken = '', code } = (await answer.json()) as { accessToken?: string; code?: string };
    if (code !== 'refresh_in_progress') return accessToken;
    // Enough others wait already: the answer has a Retry-After.
    await sleep(seconds(Number(answer.headers.get('retry-after'))));
    return read(n, path);
  };

  await stage.behave(crowd, { lifetime: seconds(2) });
  await stage.discover(first);
  await read(0, crowd);
  await until('the token expires', seconds(10), async () => !(await stage.accepted(crowd)));
  await stage.behave(crowd, { lifetime: minutes(10) });
  const before = await stage.sum('calls', [crowd]);
  const got = await Promise.all(Array.from({ length: READERS }, (_, n) => read(n, crowd)));
  const together = (await stage.sum('calls', [crowd])) - before;
  const served = got.filter(token => token !== '' && token === got[0]).length;

  for (let n = 0; n < READS; n += 1) {
    await read(n, plain);
    await read(n, `${demanding}?minTtl=${UNATTAINABLE}`);
  }
  const alone = await stage.sum('calls', [plain]);
  const demanded = await stage.sum('calls', [demanding]);

  return [
    {
      held: 'credentials',
      scenario: `${READERS} concurrent readers of an expired token, two nodes`,
      reference: '1 provider call',
      ours: `${together} provider call${together === 1 ? '' : 's'}, ${served} readers served`,
      won: together === 1 && served === READERS,
    },
    {
      held: 'credentials',
      scenario: `tokens of 600 s, ${READS} reads`,
      reference: `**${READS} provider calls**`,
      ours: `${alone} provider call${alone === 1 ? '' : 's'}; with \`minTtl=${UNATTAINABLE}\`, more than their lifetime, ${demanded}`,
      won: alone === 1 && demanded === 1,
    },
  ];
};
