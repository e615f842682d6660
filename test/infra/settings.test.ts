import { readFileSync } from 'node:fs';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { plansOf, SettingsError } from '../../infra/options.ts';
import { contextKeys, providerContextKeys, settingsOf } from '../../infra/settings.ts';
import { providerIds } from '../../lib/providers/index.ts';

describe('the context of the app', () => {
  test('may be empty: feature flags and look-ups are nobody’s settings', () => {
    expect(
      settingsOf({ '@aws-cdk/core:any': true, 'aws:cdk:x': 1, 'availability-zones:account=1:region=x': [] }),
    ).toEqual({});
  });

  test('mirrors the props', () => {
    const context = {
      providers: 'officernd, ioffice',
      'officernd.refreshAt': '0.4',
      'officernd.tick': '2',
      'ioffice.schedules': 4,
      'ioffice.hosts': 'ioffice.example.com, *.ioffice.example.net',
      'officernd.ownBaseUrl': 'false',
      alarmEmail: 'ops@example.com',
      alarmTopic: 'arn:aws:sns:eu-north-1:123456789012:alarms',
      logRetentionDays: '7',
      removalPolicy: 'destroy',
      apiRequestsPerSecond: '20',
      apiReservedConcurrency: 5,
      secretsKeys: 'arn:aws:kms:eu-north-1:123456789012:key/1-2,arn:aws:kms:eu-north-1:123456789012:key/3',
    };
    expect(settingsOf(context)).toEqual({
      providers: {
        officernd: { refreshAt: 0.4, tick: Duration.minutes(2), ownBaseUrl: false },
        ioffice: { schedules: 4, hosts: ['ioffice.example.com', '*.ioffice.example.net'] },
      },
      alarmEmail: 'ops@example.com',
      alarmTopicArn: 'arn:aws:sns:eu-north-1:123456789012:alarms',
      logRetention: 7,
      removalPolicy: RemovalPolicy.DESTROY,
      apiRequestsPerSecond: 20,
      apiReservedConcurrency: 5,
      secretsKeyArns: ['arn:aws:kms:eu-north-1:123456789012:key/1-2', 'arn:aws:kms:eu-north-1:123456789012:key/3'],
    });
  });

  test('sets one provider without leaving out the others', () => {
    expect(Object.keys(settingsOf({ 'officernd.tick': '3' }).providers ?? {})).toEqual(providerIds);
  });

  test.each([
    [{ providers: '' }, '"providers" is "": it is a list with commas between.'],
    [{ providers: 'officernd,officernd' }, '"providers" is "officernd,officernd": it is a list that names each once.'],
    [{ alarmEmail: 'ops' }, '"alarmEmail" is "ops": it is an e-mail address.'],
    [{ alarmTopic: 'alarms' }, '"alarmTopic" is "alarms": it is the ARN of an SNS topic.'],
    [{ logRetentionDays: '8' }, /^"logRetentionDays" is "8": it is one of 1, 3, 5, 7, 14, 30, /],
    [{ logRetentionDays: 'long' }, '"logRetentionDays" is "long": it is a number.'],
    [{ removalPolicy: 'snapshot' }, '"removalPolicy" is "snapshot": it is "retain" or "destroy".'],
    [
      { secretsKeys: 'alias/mine' },
      '"secretsKeys" is "alias/mine": it is a list of ARNs of KMS keys with commas between.',
    ],
    [{ 'officernd.tick': '-1' }, '"officernd.tick" is "-1": it is a whole number of minutes from 1 on.'],
    [{ apiRequestsPerSecond: 'many' }, '"apiRequestsPerSecond" is "many": it is a number.'],
    [
      { 'officernd.hosts': 'a.example.com,' },
      '"officernd.hosts" is "a.example.com,": it is a list with commas between.',
    ],
    [{ 'officernd.ownBaseUrl': 'no' }, '"officernd.ownBaseUrl" is "no": it is "true" or "false".'],
    [{ 'officernd.refreshAt': 'half' }, '"officernd.refreshAt" is "half": it is a number.'],
    [
      { alarmMail: 'ops@example.com' },
      /^There is no context key "alarmMail" \(its value is "ops@example.com"\): there are providers, /,
    ],
    [{ 'officerd.tick': '1' }, /^There is no context key "officerd.tick"/],
    [
      { providers: 'ioffice', 'officernd.tick': '1' },
      '"officernd.tick" is set, but "providers" is "ioffice" and leaves that provider out.',
    ],
  ])('%j is told in a sentence', (context, sentence) => {
    expect(() => settingsOf(context)).toThrow(SettingsError);
    expect(() => settingsOf(context)).toThrow(sentence);
  });
});

describe('the options of providers', () => {
  test.each([
    [{}, '"providers" is empty: name at least one, or leave it out to serve all.'],
    [{ officerd: {} }, /^"providers" has "officerd", which is none of poweroffice-v1, /],
    [{ officernd: { refreshAt: 0.95 } }, '"refreshAt" of officernd is 0.95: it is a fraction from 0.1 to 0.9.'],
    [{ officernd: { refreshAt: Number.NaN } }, '"refreshAt" of officernd is NaN'],
    [{ officernd: { schedules: 9 } }, '"schedules" of officernd is 9: it is a whole number from 1 to 8.'],
    [
      { officernd: { hosts: ['api.example.com', 'https://a.example.com'] } },
      '"hosts" of officernd must name hosts such as "api.example.com" or "*.example.com", got "https://a.example.com".',
    ],
    [{ officernd: { hosts: ['*.com'] } }, '"hosts" of officernd must name hosts'],
    [{ officernd: { schedules: 1.5 } }, '"schedules" of officernd is 1.5'],
    [
      { officernd: { tick: Duration.seconds(90) } },
      '"tick" of officernd is 1.5 minutes: it is a whole number of minutes, at least 1.',
    ],
    [{ officernd: { tick: Duration.minutes(0) } }, '"tick" of officernd is 0 minutes'],
    [
      { 'poweroffice-v1': { refreshAt: 0.9 } },
      '"refreshAt" 0.9 with "tick" 1 minutes leaves poweroffice-v1 less than two ticks before a token of 10 minutes dies',
    ],
    [
      { 'poweroffice-v2': { tick: Duration.minutes(5) } },
      '"refreshAt" 0.5 with "tick" 5 minutes leaves poweroffice-v2',
    ],
  ])('%j is told in a sentence', (options, sentence) => {
    expect(() => plansOf(options)).toThrow(SettingsError);
    expect(() => plansOf(options)).toThrow(sentence);
  });

  test('the defaults suit every provider', () => {
    expect(plansOf(undefined).map(({ provider }) => provider.id)).toEqual(providerIds);
  });
});

test('the README names every context key', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, table = ''] = /^\| context key \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(readme) ?? [];
  const named = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, key]) => key);
  const ofProviders = providerContextKeys.map(option => `<provider>.${option}`);
  expect(named.toSorted()).toEqual([...contextKeys, ...ofProviders].toSorted());
});
