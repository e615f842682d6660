import { describe, expect, test } from 'vitest';
import type { TroubleKind } from '../../lib/core/news.ts';
import { asList, type JsonObject } from '../iam/stacks.ts';
import { anchors } from './runbook.ts';
import { deployedResources, intrinsicText, ofType, type Resources } from './template.ts';

const alarmsOf = (resources: Resources) => ofType(resources, 'AWS::CloudWatch::Alarm');
const nameOf = ({ AlarmName }: JsonObject) => String(AlarmName);

/** The missing parts of each alarm. */
const faultsOf = (resources: Resources): string[] =>
  alarmsOf(resources).flatMap(([id, { Properties }]) => {
    const { AlarmActions, OKActions, TreatMissingData, AlarmDescription, ActionsEnabled, AlarmName } = Properties;
    const link = /^[A-Z].*\. What to do: (https:\/\/\S+)$/.exec(String(AlarmDescription))?.[1];
    const anchor = link === undefined ? undefined : new URL(link).hash.slice(1);
    return [
      asList(AlarmActions ?? []).length > 0 && ActionsEnabled !== false ? [] : ['notifies nobody'],
      asList(OKActions ?? []).length > 0 ? [] : ['never reports that it is over'],
      ['breaching', 'notBreaching', 'ignore'].includes(String(TreatMissingData)) ? [] : ['ignores missing data'],
      anchor !== undefined && anchors.has(anchor) ? [] : [`has no runbook: ${anchor}`],
      AlarmName === undefined ? ['has no name'] : [],
    ].flatMap(fault => fault.map(each => `${id} ${each}`));
  });

/** Every metric in an alarm is billed, once for each alarm. */
const metricsIn = ({ Metrics, ...alarm }: JsonObject): string[] =>
  Metrics === undefined
    ? [JSON.stringify([alarm.Namespace, alarm.MetricName, alarm.Dimensions])]
    : asList(Metrics).flatMap(each => {
        const { MetricStat } = each as { MetricStat?: { Metric: JsonObject } };
        return MetricStat ? [JSON.stringify(MetricStat.Metric)] : [];
      });
const alarmed = (resources: Resources) => alarmsOf(resources).flatMap(([, { Properties }]) => metricsIn(Properties));

const all = deployedResources();

describe('every alarm', () => {
  test('has a name, an action, a treatment of missing data and a section of the runbook', () => {
    expect(faultsOf(all)).toEqual([]);
  });

  test('would be noticed without any one of them', () => {
    for (const [id] of alarmsOf(all)) {
      for (const property of ['AlarmActions', 'OKActions', 'TreatMissingData', 'AlarmDescription', 'AlarmName']) {
        const copy = structuredClone(all);
        Reflect.deleteProperty(copy[id]?.Properties ?? {}, property);
        expect([id, property, faultsOf(copy).filter(fault => fault.startsWith(id)).length]).toEqual([id, property, 1]);
      }
    }
  });

  test('is named after the deployment and its section of the runbook', () => {
    for (const name of ['token-refresher', 'staging']) {
      const names = alarmsOf(deployedResources({ name })).map(([, { Properties }]) => nameOf(Properties));
      expect(names.toSorted()).toEqual(
        [
          'api-errors',
          'api-slow',
          'attention',
          'commits-failing',
          'discovery-problems',
          'expiring',
          'functions-failing',
          'life-low',
          'overdue',
          'refreshes-failing',
          'tables-throttled',
          'watch-silent',
        ].map(id => `${name} ${id}`),
      );
    }
    for (const [, { Properties }] of alarmsOf(all)) {
      const [, id] = nameOf(Properties).split(' ');
      expect(String(Properties.AlarmDescription)).toMatch(new RegExp(`#${id}$`));
    }
  });

  test('links to a page of one’s own', () => {
    const resources = deployedResources({ runbookUrl: 'https://wiki.example.com/tokens' });
    for (const [, { Properties }] of alarmsOf(resources)) {
      expect(String(Properties.AlarmDescription)).toContain(' https://wiki.example.com/tokens#');
    }
    expect(() => deployedResources({ runbookUrl: 'wiki' })).toThrow(
      '"runbookUrl" must be an https URL of up to 800 characters without "#", got "wiki".',
    );
  });

  test('goes to the topic, encrypted, and CloudWatch may publish there', () => {
    const [topic] = ofType(all, 'AWS::SNS::Topic');
    const notified = alarmsOf(all).flatMap(([, alarm]) => asList(alarm.Properties.AlarmActions));
    expect(new Set(notified.map(each => JSON.stringify(each)))).toEqual(new Set([JSON.stringify({ Ref: topic?.[0] })]));
    expect(intrinsicText(all, topic?.[1].Properties.KmsMasterKeyId)).toBe('<Storage/Key.Arn>');
    const [policy] = ofType(all, 'AWS::SNS::TopicPolicy').map(([, { Properties }]) => Properties.PolicyDocument);
    expect((policy as { Statement: readonly JsonObject[] }).Statement).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
      }),
    );
  });

  test('goes to the e-mail address, or to a topic that was there', () => {
    const mailed = ofType(deployedResources({ alarmEmail: 'ops@example.com' }), 'AWS::SNS::Subscription');
    expect(mailed.map(([, { Properties }]) => [Properties.Protocol, Properties.Endpoint])).toEqual([
      ['email', 'ops@example.com'],
    ]);
    const alarmTopicArn = 'arn:aws:sns:eu-north-1:123456789012:alarms';
    const elsewhere = deployedResources({ alarmTopicArn });
    expect(ofType(elsewhere, 'AWS::SNS::Topic')).toEqual([]);
    for (const [, { Properties }] of alarmsOf(elsewhere)) expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
  });
});

describe('alarms cost the same', () => {
  test.each([
    ['all providers', {}],
    ['one provider', { providers: { officernd: {} } }],
    ['many schedules and a dashboard', { providers: { officernd: { schedules: 8 }, ioffice: {} }, dashboard: true }],
  ])('for %s', (_, settings) => {
    const resources = deployedResources(settings);
    expect(alarmsOf(resources)).toHaveLength(12);
    expect(alarmed(resources).length).toBeLessThanOrEqual(15);
  });
});

test('every mail has a section of the runbook', () => {
  const kinds: readonly TroubleKind[] = ['attention', 'no-token', 'life-low', 'overdue', 'expiring'];
  for (const kind of kinds) expect(anchors).toContain(kind);
});
