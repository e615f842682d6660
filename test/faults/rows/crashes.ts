import { type ConnectionId, type Milliseconds, minutes, seconds } from '../../../lib/core/types.ts';
import type { SecretKind } from '../customers.ts';
import { repeat, secondsText, until } from '../poll.ts';
import { aged, SHORT_LIFETIME, shortened } from '../shortened.ts';
import { type Row, RowStage, type SharedProcesses } from '../stage.ts';
import { failWrite, killAt, overtake, victimsOf } from '../victims.ts';

const failing = (['keep', 'publish', 'settle'] as const).flatMap(step =>
  (['refuse', 'lose'] as const).map(how => ({ name: `${how}-${step}`, step, how })),
);
const everyKill = (['claim', 'secret', 'grant', 'keep', 'publish', 'settle'] as const).flatMap(step =>
  (['before', 'after'] as const).map(when => ({ name: `kill-${when}-${step}`, step, when })),
);
/**
 * Between the claim and the write that stores the next refresh token. An only copy is lost there, or may be: see
 * `doubt.ts`.
 */
const DOUBTFUL = new Set(everyKill.slice(1, 7).map(({ name }) => name));
const killsOf = (held: SecretKind) =>
  held === 'credentials' ? everyKill : everyKill.filter(({ name }) => !DOUBTFUL.has(name));
export const namesFor = (held: SecretKind): string[] =>
  [...failing, ...killsOf(held)].map(({ name }) => name).concat('frozen');

/** The points at which a refresher crashes before the provider has received its refresh token. */
const UNSPENT = new Set(['before claim', 'after claim', 'before secret', 'after secret', 'before grant']);

const RECOVERED_WITHIN = seconds(40);

/**
 * Refreshers that fail, crash and freeze in the middle of a refresh, while two healthy ones race for the connections.
 */
export const crashes = async (
  shared: SharedProcesses,
  held: SecretKind,
  say: (line: string) => void,
): Promise<Row[]> => {
  const stage = new RowStage(shared, 'crashes', shortened, held);
  const [names, killed] = [namesFor(held), killsOf(held)];
  // An only refresh token is used at any age of its token, which must not come near its end.
  const lifetime = held === 'credentials' ? SHORT_LIFETIME : minutes(30);
  const ids = new Map((await stage.open(names, lifetime)).map((id, n) => [names[n] ?? '', id]));
  const idOf = (name: string): ConnectionId => {
    const id = ids.get(name);
    if (!id) throw new Error(`no connection ${name}`);
    return id;
  };
  const [first, second] = [await stage.refresher(), await stage.refresher()];
  await stage.discover(first);
  const schedule = stage.schedule([first, second]);
  await until('everybody has a token', RECOVERED_WITHIN, async () => {
    const tokens = await Promise.all(stage.ids.map(id => stage.tokens.get(id)));
    return tokens.every(token => token !== undefined);
  });
  const raced = await stage.sum('calls');
  if (held === 'credentials') await aged(stage);

  let reads = 0;
  let dead = 0;
  const reading = repeat(500, async () => {
    for (const id of stage.ids) {
      reads += 1;
      if (!(await stage.accepted(id))) dead += 1;
    }
  });
  /** The time from each fault until its connection is well again. */
  const recoveries = new Map<string, Promise<Milliseconds>>();
  const recovering = (name: string): void => {
    const from = Date.now();
    const well = until(`${name} is well again`, RECOVERED_WITHIN, () => stage.isWell(idOf(name)));
    const took = well.then(() => Date.now() - from);
    took.catch(() => {});
    recoveries.set(name, took);
  };

  const next = victimsOf(shared, stage);
  const unlucky = await next();
  const struck = { refuse: 0, lose: 0 };
  for (const { name, step, how } of failing) {
    await failWrite(stage, unlucky, idOf(name), step, how);
    struck[how] += 1;
    recovering(name);
  }
  say(`${held}: ${failing.length} writes failed, each after a grant`);
  for (const { name, step, when } of killed) {
    await killAt(stage, await next(), idOf(name), step, when, lifetime);
    recovering(name);
  }
  say(`${held}: ${killed.length} refreshers killed`);
  const harmless = await overtake(stage, await next(), idOf('frozen'));
  say(`${held}: one was frozen, overtaken and woken`);

  const worst = async (of: readonly { readonly name: string }[]): Promise<string> =>
    secondsText(Math.max(...(await Promise.all(of.map(({ name }) => recoveries.get(name) ?? 0)))));
  const afterWrites = await worst(failing);
  const afterKills = await worst(killed);
  await reading.stop();
  await schedule.stop();
  unlucky.proxy.close();

  const replaysOf = (of: readonly { readonly name: string }[]) =>
    stage.sum(
      'replays',
      of.map(({ name }) => idOf(name)),
    );
  // A fault during a login, without a rotation, would prove nothing.
  const rotated = await Promise.all(
    [...failing, ...killed.filter(({ step, when }) => !UNSPENT.has(`${when} ${step}`))].map(
      async ({ name }) => (await stage.counts(idOf(name))).rotations > 0,
    ),
  );
  if (rotated.includes(false)) throw new Error('a fault came without a rotation');
  const replays = {
    writes: await replaysOf(failing),
    kills: await replaysOf(killed),
    frozen: await replaysOf([{ name: 'frozen' }]),
  };
  const alive = dead === 0;
  return [
    {
      held,
      scenario: 'one store write fails after rotation',
      reference: '**lost for good**',
      ours: `keep, publish and settle: ${struck.refuse} writes refused, ${struck.lose} answers lost; ${failing.length} of ${failing.length} recovered by themselves within ${afterWrites}, ${replays.writes} replays`,
      won: replays.writes === 0 && alive && struck.refuse > 0 && struck.lose > 0,
    },
    {
      held,
      ...(held === 'credentials'
        ? { scenario: '`kill -9` in mid-refresh', reference: '**lost for good**' }
        : { scenario: '`kill -9` before the claim, or after the next refresh token is kept', reference: 'not tried' }),
      ours: `${held === 'credentials' ? 'before and after each of six steps' : 'before the claim, after the keep, before and after publish and settle'}: ${killed.length} of ${killed.length} recovered by themselves within ${afterKills}, ${replays.kills} replays; ${reads - dead} of ${reads} uses of their tokens meanwhile were accepted`,
      won: replays.kills === 0 && alive,
    },
    {
      held,
      scenario: 'a refresher frozen past its lease, its token not yet published',
      reference: 'not tried',
      ours: `${harmless ? 'its late writes came to nothing' : '**its late writes did harm**'}, ${replays.frozen} replays`,
      won: harmless && replays.frozen === 0,
    },
    {
      held,
      scenario: `${names.length} due connections, two refreshers racing for them`,
      reference: 'not tried',
      ours: `${raced} provider calls`,
      won: raced === names.length,
    },
  ];
};
