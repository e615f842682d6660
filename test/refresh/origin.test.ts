import { expect, it } from 'vitest';
import { isObject } from '../../lib/core/json.ts';
import { hours, minutes } from '../../lib/core/types.ts';
import { type Transition, transitionsOf } from '../../lib/events.ts';
import { failOnce } from '../kit/faults.ts';
import { answer, ID, testProvider, vendorWorld } from '../kit/vendor.ts';
import { PREFIX } from '../kit/world.ts';

/** A change of the origin that grants tokens is reported once: when the first token of the new one is published. */

const HERE = 'https://login.test';
const THERE = 'https://other.test';

const sound = testProvider();
/** The origin is what the secret says. */
const provider = testProvider({
  open: secret => {
    const opened = sound.open(secret);
    const { origin, api } = { origin: HERE, api: 'https://api.test', ...(isObject(secret) ? secret : {}) };
    const usage = () => ({ headers: {}, baseUrl: String(api) });
    return opened.ok
      ? { ok: true, account: { ...opened.account, usage, base: `${origin}/v1`, sessionBinding: String(origin) } }
      : opened;
  },
});

const movingWorld = async () => {
  const { world, vendor } = await vendorWorld({ provider, refreshed: false });
  const transitions: Transition[] = [];
  let read = 0;
  /** Ticks for some hours; answers which changes of the origin were reported meanwhile. */
  const goOn = async (duration = hours(5)) => {
    await world.discover();
    await world.run(provider.id, duration, minutes(5));
    transitions.push(...world.reports.slice(read).flatMap(report => transitionsOf(report, world.clock.now())));
    read = world.reports.length;
    return transitions
      .splice(0)
      .filter(({ type }) => type === 'origin changed')
      .map(({ originBefore, origin }) => [originBefore, origin]);
  };
  const move = (origin: string) => world.put(ID, { password: 'right', origin });
  return { world, vendor, goOn, move };
};

it('the first origin is not reported, nor a new secret at the same', async () => {
  const { goOn, move } = await movingWorld();
  expect(await goOn()).toEqual([]);
  await move(HERE);
  expect(await goOn()).toEqual([]);
});

it('another origin is reported once for any number of grants, and so is the change back', async () => {
  const { goOn, move, world } = await movingWorld();
  await goOn();
  await move(THERE);
  expect(await goOn()).toEqual([[HERE, THERE]]);
  expect(world.reports.filter(({ result }) => result === 'refreshed').length).toBeGreaterThan(10);
  expect(await goOn()).toEqual([]);
  await move(HERE);
  expect(await goOn()).toEqual([[THERE, HERE]]);
});

it('one that fails at first is reported when it grants, once', async () => {
  const { goOn, move, vendor } = await movingWorld();
  await goOn();
  await move(THERE);
  vendor.password = 'changed';
  vendor.script.push(...Array.from({ length: 6 }, () => () => answer('', 503)));
  expect(await goOn()).toEqual([]);
  vendor.password = 'right';
  expect(await goOn(hours(30))).toEqual([[HERE, THERE]]);
});

it.each(['tokens.publish', 'connections.settle'])(
  'one whose grant fails before %s is reported by the next, once',
  async operation => {
    const { goOn, move, world } = await movingWorld();
    await goOn();
    await move(THERE);
    failOnce(world, 'before', operation);
    expect(await goOn()).toEqual([[HERE, THERE]]);
    expect(world.reports.some(({ commitFailed }) => commitFailed !== undefined)).toBe(true);
  },
);

it('that of the API is reported too: consumers send the token there', async () => {
  const { goOn, world } = await movingWorld();
  await goOn();
  await world.put(ID, { password: 'right', api: 'https://evil.test/v1' });
  expect(await goOn()).toEqual([['https://api.test', 'https://evil.test']]);
  expect(await goOn()).toEqual([]);
});

it('one that comes with a secret of the same name, after the old one was deleted, is reported once', async () => {
  const { goOn, move, world } = await movingWorld();
  await goOn();
  await world.stores.secrets.erase(`${PREFIX}${ID}`);
  await goOn(minutes(20));
  await move(THERE);
  expect(await goOn()).toEqual([[HERE, THERE]]);
});
