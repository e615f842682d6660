import { expect, it } from 'vitest';
import { plus } from '../../lib/core/types.ts';
import type { Transition } from '../../lib/events.ts';
import { publishingTransitions } from '../../lib/observe/transitions.ts';
import type { RefreshReport } from '../../lib/refresh/report.ts';
import { testClock } from '../kit/clock.ts';
import { idOf, START, tickReport } from '../kit/records.ts';

const steady: RefreshReport = {
  connection: idOf('acme'),
  result: 'refreshed',
  from: 'healthy',
  to: 'healthy',
  calls: 1,
  took: 5,
  warnings: [],
};
const failing: RefreshReport = { ...steady, result: 'failed', to: 'failing', error: { code: 'timeout' } };
const recovered: RefreshReport = { ...steady, from: 'failing' };
const refused: RefreshReport = { ...steady, result: 'attention', to: 'attention', error: { code: 'invalid_grant' } };

const setUp = (publish: (transitions: readonly Transition[]) => Promise<void> = async () => {}) => {
  const clock = testClock();
  const published: (readonly Transition[])[] = [];
  const failures: unknown[] = [];
  const reports: unknown[] = [];
  const { observer, middleware } = publishingTransitions(
    {
      refresh: report => void reports.push(report),
      unclaimed: (connection, code) => void reports.push([connection, code]),
      retired: (connection, result) => void reports.push([connection, result]),
      outOfTime: left => void reports.push(left),
      sweep: report => void reports.push(report),
    },
    clock,
    transitions => {
      published.push(transitions);
      return publish(transitions);
    },
    error => void failures.push(error),
  );
  const ends = async (how: 'after' | 'onError' = 'after'): Promise<void> => {
    const hook: unknown = middleware[how];
    await Reflect.apply(hook as () => unknown, undefined, [{}]);
  };
  return { clock, observer, published, failures, reports, ends };
};

it('changes are published together when the invocation ends, each with the time of its report', async () => {
  const { clock, observer, published, ends } = setUp();
  observer.refresh(failing);
  clock.pass(7);
  observer.refresh(refused);
  expect(published).toEqual([]);
  clock.pass(7);
  await ends();
  expect(published).toMatchObject([
    [
      { type: 'failing', at: START, reason: 'timeout' },
      { type: 'needs attention', at: plus(START, 7), reason: 'invalid_grant' },
    ],
  ]);
});

it('what one invocation published the next does not publish again', async () => {
  const { observer, published, ends } = setUp();
  observer.refresh(failing);
  await ends();
  await ends();
  observer.refresh(recovered);
  await ends();
  expect(published).toMatchObject([[{ type: 'failing' }], [{ type: 'recovered' }]]);
});

it('what changed in an invocation that failed is published too, and with it', async () => {
  const { observer, published, ends } = setUp();
  observer.refresh(failing);
  await ends('onError');
  expect(published).toMatchObject([[{ type: 'failing' }]]);
  await ends();
  expect(published).toHaveLength(1);
});

it.each(['after', 'onError'] as const)(
  'a publication that fails is reported, and fails no invocation (%s)',
  async how => {
    const error = new Error('the bus is not there');
    const { observer, failures, published, ends } = setUp(() => Promise.reject(error));
    observer.refresh(failing);
    await expect(ends(how)).resolves.toBeUndefined();
    expect(failures).toEqual([error]);
    await ends();
    expect(published).toHaveLength(1);
  },
);

it('an invocation does not end before its publication has', async () => {
  const publication = Promise.withResolvers<void>();
  const { observer, ends } = setUp(() => publication.promise);
  observer.refresh(failing);
  const order: string[] = [];
  const end = ends().then(() => order.push('ended'));
  await new Promise(setImmediate);
  order.push('published');
  publication.resolve();
  await end;
  expect(order).toEqual(['published', 'ended']);
});

it('nothing is published if nothing changed', async () => {
  const { observer, published, ends } = setUp();
  await ends();
  observer.refresh(steady);
  await ends();
  expect(published).toEqual([]);
});

it('the observer inside receives all reports, with changes or without', () => {
  const { observer, reports } = setUp();
  observer.refresh(steady);
  observer.refresh(failing);
  observer.unclaimed(steady.connection, 'store_failed');
  observer.sweep(tickReport);
  expect(reports).toEqual([steady, failing, [steady.connection, 'store_failed'], tickReport]);
});
