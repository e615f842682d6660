import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deployed, type Json, listOf, ofType, type Resources, textOf } from './template.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
/** As GitHub makes anchors of headings. */
const anchors = new Set(
  [...readme.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
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
    const runbook = /README\.md#([\w-]+)$/.exec(String(AlarmDescription))?.[1];
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
    expect(alarmsOf(all).length).toBeGreaterThan(20);
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

test('the README’s sum has as many alarms, and as many metrics in them, as there are', () => {
  const inAlarm = ({ Metrics }: Json) =>
    Metrics === undefined ? 1 : listOf(Metrics).filter(each => Object.hasOwn(Object(each), 'MetricStat')).length;
  const metrics = alarmsOf(all).reduce((sum, [, { Properties }]) => sum + inAlarm(Properties), 0);
  expect(readme).toContain(`${metrics} metrics in ${alarmsOf(all).length} alarms`);
});
