import { describe, expect, it } from 'vitest';
import type { Health } from '../../lib/core/health.ts';
import { MAILS, type News, QUIET } from '../../lib/core/news.ts';
import { type EpochMs, hours, minutes, plus } from '../../lib/core/types.ts';
import { watch } from '../../lib/discovery/watch.ts';
import type { Transition } from '../../lib/events.ts';
import { failAlways } from '../kit/faults.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';
import { answer, testProvider } from '../kit/vendor.ts';
import { PREFIX, World } from '../kit/world.ts';

const provider = testProvider();
const paces = new Map([[provider.id, { tick: minutes(1), refreshAt: 0.5, lifetime: minutes(10) }]]);
const stopped = { status: 'attention', dueAt: plus(START, hours(1)), attentionSince: START } as const;

/** Connections that need attention, each with its own secret. */
const watched = async (count: number) => {
  const world = new World([provider], () => answer('', 503));
  const { secrets, connections } = world.stores;
  const add = async (name: string) => {
    await secrets.put(`token-refresher/test-provider/${name}`, '{}');
    await connections.add(connectionOf(idOf(name), stopped));
  };
  for (let n = 0; n < count; n += 1) await add(`c${n}`);
  const sent: { readonly names: readonly string[]; readonly how: string }[] = [];
  const times: EpochMs[] = [];
  const health: Health[] = [];
  const failures: unknown[] = [];
  const published: string[] = [];
  /** What is refused: all mails, or those of one connection; all events. */
  const refused: { mails: boolean | string; events: boolean } = { mails: false, events: false };
  const deps = {
    ...{ clock: world.clock, ...world.stores, paces },
    ...{ providers: [provider], prefix: PREFIX, connectionsPerSecret: 200 },
    publish: async (events: readonly Transition[]) => {
      if (refused.events) throw new Error('refused');
      published.push(...events.map(({ type, connection }) => `${type} ${connection}`));
    },
    sendMail: async (news: readonly News[], how: string, at: EpochMs) => {
      const names = news.map(({ record }) => record.connection.split('/')[1] ?? '');
      if (refused.mails === true || names[0] === refused.mails) throw new Error('refused');
      times.push(at);
      sent.push({ names, how });
    },
    observer: {
      health: (seen: Health) => void health.push(seen),
      newsFailed: (error: unknown) => void failures.push(error),
    },
  };
  return { world, add, sent, published, times, health, failures, refused, run: () => watch(deps) };
};

describe('the watch', () => {
  it('judges everything and reports each trouble once', async () => {
    const { health, sent, run } = await watched(2);
    await run();
    await run();
    expect(health).toMatchObject([{ byStatus: { attention: 2 } }, { byStatus: { attention: 2 } }]);
    expect(sent).toEqual([
      { names: ['c0'], how: 'singly' },
      { names: ['c1'], how: 'singly' },
    ]);
  });

  it('sends the time at which it judged', async () => {
    const { times, run } = await watched(1);
    await run();
    expect(times).toEqual([START]);
  });

  it('reports the health even if nothing can be discovered', async () => {
    const { world, health, sent, run } = await watched(1);
    failAlways(world, 'before', 'secrets.list');
    await expect(run()).rejects.toThrow();
    expect(health).toHaveLength(1);
    expect(sent).toHaveLength(1);
  });

  it.each([
    [1, 'singly'],
    [MAILS + 1, 'summary'],
  ])('tries again to report what could not be reported, and discovers all the same: %i', async (count, how) => {
    const { refused, failures, sent, run } = await watched(count);
    refused.mails = true;
    expect(await run()).toMatchObject({ secrets: count });
    expect(failures).toHaveLength(1);
    refused.mails = false;
    await run();
    expect(sent).toEqual([{ names: Array.from({ length: count }, (_, n) => `c${n}`), how }]);
  });

  it('reports the others although the mail of one is not taken', async () => {
    const { sent, failures, run, refused } = await watched(3);
    refused.mails = 'c1';
    await run();
    expect(sent.map(({ names }) => names)).toEqual([['c0'], ['c2']]);
    expect(failures).toHaveLength(1);
    refused.mails = false;
    await run();
    expect(sent.map(({ names }) => names)).toEqual([['c0'], ['c2'], ['c1']]);
  });

  it('reports a storm as one summary, and what comes in the quarter of an hour after it as another', async () => {
    const { world, add, sent, run } = await watched(MAILS + 1);
    await run();
    await add('later-1');
    await run();
    world.clock.pass(QUIET - 1);
    await add('later-2');
    await run();
    expect(sent.map(({ how, names }) => [how, names.length])).toEqual([['summary', MAILS + 1]]);
    world.clock.pass(1);
    await run();
    expect(sent.slice(1)).toEqual([
      { names: ['later-1'], how: 'singly' },
      { names: ['later-2'], how: 'singly' },
    ]);
  });

  describe('of something that expires', () => {
    const expiring = async () => {
      const watching = await watched(0);
      const { secrets, connections } = watching.world.stores;
      await secrets.put('token-refresher/test-provider/soon', '{"expires": "2023-11-16"}');
      await connections.add(connectionOf(idOf('soon'), { dueAt: plus(START, hours(1)) }));
      // Discovery notes what the secret says; the next watch reports it.
      await watching.run();
      return watching;
    };
    const event = 'expiring test-provider/soon';

    it('publishes one event and sends one mail', async () => {
      const { published, sent, run } = await expiring();
      await run();
      await run();
      expect(published).toEqual([event]);
      expect(sent).toHaveLength(1);
    });

    it.each([
      ['mails', [1, 0]],
      ['events', [0, 1]],
    ] as const)('does both once although %s are not taken at first', async (which, meanwhile) => {
      const { published, sent, failures, run, refused } = await expiring();
      refused[which] = true;
      await run();
      await run();
      expect([published.length, sent.length]).toEqual(meanwhile);
      expect(failures).toHaveLength(2);
      refused[which] = false;
      await run();
      await run();
      expect(published).toEqual([event]);
      expect(sent).toHaveLength(1);
    });
  });

  it('loses nothing if it crashes between a mail and its note: it reports twice', async () => {
    const { world, sent, run } = await watched(1);
    let refusals = 1;
    world.hooks.before = async at => {
      if (at === 'connections.noteReported' && refusals-- > 0) throw new Error('refused');
    };
    await run();
    await run();
    await run();
    expect(sent).toHaveLength(2);
  });
});
