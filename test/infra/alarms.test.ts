import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TroubleKind } from '../../lib/core/news.ts';
import { metrics } from '../../lib/observe/metrics.ts';
import { providerIds } from '../../lib/providers/index.ts';
import { deployed, type Json, listOf, ofType, type Resources, textOf } from './template.ts';

const page = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
/** As GitHub makes anchors of headings. */
const anchors = new Set(
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  ),
);

const alarmsOf = (resources: Resources) => ofType(resources, 'AWS::CloudWatch::Alarm');

/** What an alarm lacks to be of any use. */
const faultsOf = (resources: Resources): string[] =>
  alarmsOf(resources).flatMap(([id, { Properties }]) => {
    const { AlarmActions, OKActions, TreatMissingData, AlarmDescription, ActionsEnabled } = Properties;
    const runbook = /https:\/\/\S+runbook\.md#([\w-]+)$/.exec(String(AlarmDescription))?.[1];
    return [
      listOf(AlarmActions ?? []).length > 0 && ActionsEnabled !== false ? [] : ['tells nobody'],
      listOf(OKActions ?? []).length > 0 ? [] : ['never says that it is over'],
      ['breaching', 'notBreaching', 'ignore'].includes(String(TreatMissingData))
        ? []
        : ['says nothing of missing data'],
      runbook !== undefined && anchors.has(runbook) ? [] : [`has no runbook: ${runbook}`],
    ].flatMap(fault => fault.map(each => `${id} ${each}`));
  });

const all = deployed();

describe('every alarm', () => {
  test('has an action, a treatment of missing data and a section of the runbook', () => {
    expect(faultsOf(all)).toEqual([]);
  });

  test('would be noticed without any one of them', () => {
    for (const [id] of alarmsOf(all)) {
      for (const property of ['AlarmActions', 'OKActions', 'TreatMissingData', 'AlarmDescription']) {
        const copy = structuredClone(all);
        Reflect.deleteProperty(copy[id]?.Properties ?? {}, property);
        expect([id, property, faultsOf(copy).filter(fault => fault.startsWith(id)).length]).toEqual([id, property, 1]);
      }
    }
  });

  test('goes to the topic, which takes them from CloudWatch, encrypted', () => {
    const [topic] = ofType(all, 'AWS::SNS::Topic');
    const told = alarmsOf(all).flatMap(([, alarm]) => listOf(alarm.Properties.AlarmActions));
    expect(new Set(told.map(each => JSON.stringify(each)))).toEqual(new Set([JSON.stringify({ Ref: topic?.[0] })]));
    expect(textOf(all, topic?.[1].Properties.KmsMasterKeyId)).toBe('<Storage/Key.Arn>');
    const [policy] = ofType(all, 'AWS::SNS::TopicPolicy').map(([, { Properties }]) => Properties.PolicyDocument);
    expect((policy as { Statement: readonly Json[] }).Statement).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
      }),
    );
  });

  test('goes to the e-mail address, or to a topic that was there', () => {
    const mailed = ofType(deployed({ alarmEmail: 'ops@example.com' }), 'AWS::SNS::Subscription');
    expect(mailed.map(([, { Properties }]) => [Properties.Protocol, Properties.Endpoint])).toEqual([
      ['email', 'ops@example.com'],
    ]);
    const alarmTopicArn = 'arn:aws:sns:eu-north-1:123456789012:alarms';
    const elsewhere = deployed({ alarmTopicArn });
    expect(ofType(elsewhere, 'AWS::SNS::Topic')).toEqual([]);
    for (const [, { Properties }] of alarmsOf(elsewhere)) expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
  });
});

/** How many metrics an alarm is billed for. */
const metricsIn = ({ Metrics }: Json): readonly Json[] =>
  Metrics === undefined
    ? [{}]
    : listOf(Metrics).filter((each): each is Json => Object.hasOwn(Object(each), 'MetricStat'));

test.each([
  ['one provider', { providers: { petrosoft: {} } }],
  [
    'all of them, each with eight schedules',
    { providers: Object.fromEntries(providerIds.map(id => [id, { schedules: 8 }])) },
  ],
])('of %s are at most 15 metrics in a dozen alarms, over at most 10 custom metrics', (_, settings) => {
  const alarms = alarmsOf(deployed(settings));
  expect(alarms).toHaveLength(12);
  expect(alarms.flatMap(([, { Properties }]) => metricsIn(Properties))).toHaveLength(15);
  expect(Object.keys(metrics)).toHaveLength(10);
});

test('each trouble of a mail has a section of the runbook', () => {
  for (const kind of ['attention', 'no-token', 'life-low', 'overdue', 'expiring'] satisfies readonly TroubleKind[]) {
    expect(anchors).toContain(kind);
  }
});

test('the alarms of two deployments have two names', () => {
  const names = (name: string) => alarmsOf(deployed({ name })).map(([, { Properties }]) => Properties.AlarmName);
  expect(names('staging')).toContain('staging life-low');
  expect(names('staging').filter(each => names('shop').includes(each))).toEqual([]);
});
