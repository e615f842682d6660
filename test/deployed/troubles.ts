import assert from 'node:assert/strict';
import { simulatedSecrets } from '../../local/simulators/accounts.ts';
import { forcePath, readPath } from '../iam/paths.ts';
import { refusing, type Stage } from './cycle.ts';
import { listenTo } from './events.ts';

/** A wrong password is a matter of a person; the right one is picked up by the next tick. */
export const changeState = async ({ calls, operator, simulators }: Stage): Promise<void> => {
  const ioffice = calls.refresher('ioffice');
  const heard = await listenTo(calls.deployed.aws, ioffice.environment.EVENT_BUS ?? '');
  const secret = simulatedSecrets(simulators)['ioffice/tower'];
  await operator.rotate('ioffice/tower', { ...secret, password: 'wrong' });
  await calls.tick('watch');
  const before = await calls.api('Readers/AllRoutes', 'GET', readPath('ioffice/tower'));
  const refused = await calls.api('Readers/AllRoutes', 'POST', forcePath('ioffice/tower'), refusing(before));
  assert.equal(refused.json.code, 'refresh_failed');
  await operator.rotate('ioffice/tower', { ...secret });
  await calls.tick('watch');
  await calls.tick('refresh-ioffice');
  const events = (await heard()).map(event => [event.source, event['detail-type'], event.detail.connection]);
  assert.deepEqual(events, [
    ['token-refresher', 'needs attention', 'ioffice/tower'],
    ['token-refresher', 'recovered', 'ioffice/tower'],
  ]);
};

/** What fails for good is kept, and somebody hears of it. */
export const giveUp = async ({ calls, operator }: Stage): Promise<void> => {
  const { discover, refreshers, schedules } = calls.deployed;
  const asynchronous = [discover, ...refreshers.values()];
  for (const fn of asynchronous) await calls.fail(fn);
  for (const name of schedules.keys()) await calls.giveUp(name);
  const QueueUrl = calls.judge.evaluator.account.physicalAt('DeadLetters');
  const { Attributes } = await operator.does('sqs:GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
  const letters = Number(Reflect.get(Object(Attributes), 'ApproximateNumberOfMessages'));
  assert.equal(letters, asynchronous.length + schedules.size);
  const from = calls.judge.evaluator.account.place.account;
  const as = 'cloudwatch.amazonaws.com';
  await calls.judge.must({ as, does: 'sns:Publish', on: 'Monitoring/Alarms', from });
  for (const does of ['kms:Decrypt', 'kms:GenerateDataKey']) {
    await calls.judge.must({ as, does, on: 'Storage/Key', from });
  }
};
