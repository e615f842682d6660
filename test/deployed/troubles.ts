import assert from 'node:assert/strict';
import { simulatedSecrets } from '../../local/simulators/accounts.ts';
import { forcePath, readPath } from '../iam/paths.ts';
import { type CycleStage, refusing } from './cycle.ts';
import { listenTo } from './events.ts';
import { type DeliveredMail, mailsOf } from './mails.ts';
import { causeTroubles } from './messages.ts';

/**
 * A wrong password needs a person, who gets a mail; the next tick tries the corrected one. Expiring credentials are
 * reported ahead.
 */
export const changeState = async (stage: CycleStage): Promise<readonly DeliveredMail[]> => {
  const { calls, operator, simulators } = stage;
  const { EVENT_BUS = '', ALARM_TOPIC = '' } = calls.deployed.watch.environment;
  const received = await listenTo(calls.deployed.aws, EVENT_BUS);
  const mails = await mailsOf(calls.deployed.aws, ALARM_TOPIC);
  const secret = simulatedSecrets(simulators)['ioffice/tower'];
  await operator.rotate('ioffice/tower', { ...secret, password: 'wrong', tags: { customer: 'Tower Ltd' } });
  await calls.tick('watch');
  const before = await calls.api('Readers/AllRoutes', 'GET', readPath('ioffice/tower'));
  const refused = await calls.api('Readers/AllRoutes', 'POST', forcePath('ioffice/tower'), refusing(before));
  assert.equal(refused.json.code, 'refresh_failed');
  await calls.tick('watch');
  await calls.tick('watch');
  const [mail, ...others] = await mails();
  assert.deepEqual([mail?.Subject, others], ['token-refresher: ioffice/tower needs attention', []]);
  assert.match(mail?.Message ?? '', /^Tag customer: Tower Ltd$/m);
  assert.match(mail?.Message ?? '', /https:\/\/\S+runbook\.md#attention/);
  const soon = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);
  await operator.rotate('ioffice/tower', { ...secret, expires: soon });
  await calls.tick('watch');
  await calls.tick('refresh-ioffice');
  await calls.tick('watch');
  const ahead = await mails();
  assert.deepEqual(
    ahead.map(({ Subject }) => Subject),
    ['token-refresher: ioffice/tower expires soon'],
  );
  const events = (await received()).map(event => [event.source, event['detail-type'], event.detail.connection]);
  assert.deepEqual(
    events,
    ['needs attention', 'recovered', 'expiring'].map(type => ['token-refresher', type, 'ioffice/tower']),
  );
  return [...(mail ? [mail] : []), ...ahead, ...(await causeTroubles(stage, mails))];
};

/** What fails for good is kept, and an alarm reports it. */
export const giveUp = async ({ calls, operator }: CycleStage): Promise<void> => {
  const { watch, refreshers, schedules } = calls.deployed;
  const asynchronous = [watch, ...refreshers.values()];
  for (const fn of asynchronous) await calls.fail(fn);
  for (const name of schedules.keys()) await calls.giveUp(name);
  const QueueUrl = calls.judge.evaluator.account.physicalAt('DeadLetters');
  const { Attributes } = await operator.does('sqs:GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
  const letters = Number(Reflect.get(Object(Attributes), 'ApproximateNumberOfMessages'));
  assert.equal(letters, asynchronous.length + schedules.size);
  const from = calls.judge.evaluator.account.place.account;
  const as = 'cloudwatch.amazonaws.com';
  await calls.judge.must({ as, does: 'sns:Publish', on: 'Alarms/Topic', from });
  for (const does of ['kms:Decrypt', 'kms:GenerateDataKey']) {
    await calls.judge.must({ as, does, on: 'Storage/Key', from });
  }
};
