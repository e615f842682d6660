import { minutes, seconds } from '../../../lib/core/types.ts';
import type { SecretKind } from '../customers.ts';
import { authorized } from '../key.ts';
import { repeat, secondsText, until } from '../poll.ts';
import { type Row, RowStage, type SharedProcesses } from '../stage.ts';

export const outageNames = ['outage'];

/** At least this long, and this many reads. */
const OUTAGE = seconds(5);
const READS = 10;
const LIFETIME = minutes(10);

/** The provider is down while the token is valid for ten more minutes. */
export const outage = async (shared: SharedProcesses, held: SecretKind): Promise<Row[]> => {
  const stage = new RowStage(shared, 'outage', {}, held);
  const refresher = await stage.refresher();
  const api = await stage.api(refresher);
  const [id] = await stage.open(outageNames, LIFETIME);
  if (!id) throw new Error('no connection');
  await stage.discover(refresher);
  await stage.tick(refresher);
  const before = await stage.token(id);

  await stage.behave(id, { lifetime: LIFETIME, status: 503 });
  let reads = 0;
  let refused = 0;
  // Every second reader wants more time than the token has left, and therefore requests a refresh too.
  const reading = repeat(100, async () => {
    reads += 1;
    const answer = await fetch(`${api.url}/tokens/${id}${reads % 2 === 0 ? '?minTtl=599' : ''}`, authorized);
    const served = answer.ok ? ((await answer.json()) as { readonly expiresAt: string }) : undefined;
    if (!served || Date.parse(served.expiresAt) <= Date.now() || !(await stage.accepted(id))) refused += 1;
  });
  const schedule = stage.schedule([refresher]);
  await stage.force(refresher, id);
  const over = Date.now() + OUTAGE;
  await until('the outage ends', minutes(1), async () => Date.now() >= over && reads > READS);
  await stage.behave(id, { lifetime: LIFETIME });
  const back = Date.now();
  await until(
    'the token is renewed',
    minutes(2),
    async () => (await stage.token(id)).version > before.version && stage.isWell(id),
  );
  const took = Date.now() - back;
  await reading.stop();
  await schedule.stop();
  const { refused: calls, replays } = await stage.counts(id);

  return [
    {
      held,
      scenario: 'token valid 600 s more, provider answers 503',
      reference: 'reads answer an error, **no token**; still refused for 30 s after the provider recovers',
      ours: `${reads - refused} of ${reads} reads got the valid token; calls refused: ${calls}; ${replays} replays; renewed ${secondsText(took)} after the provider recovered`,
      won: refused === 0 && calls > 0 && replays === 0,
    },
  ];
};
