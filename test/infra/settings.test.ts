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
    [{ providers: '' }, '"providers" must be a list with commas between, got "".'],
    [
      { providers: 'officernd,officernd' },
      '"providers" must be a list that names each once, got "officernd,officernd".',
    ],
    [
      { name: 'Shop' },
      '"name" must be up to 40 lower-case letters, digits and hyphens, beginning with a letter, got "Shop".',
    ],
    [{ runbookUrl: 'http://example.com' }, '"runbookUrl" must be an https URL, got "http://example.com".'],
    [{ dashboard: 'yes' }, '"dashboard" must be "true" or "false", got "yes".'],
    [{ alarmEmail: 'ops' }, '"alarmEmail" must be an e-mail address, got "ops".'],
    [{ alarmTopic: 'alarms' }, '"alarmTopic" must be the ARN of an SNS topic, got "alarms".'],
    [{ logRetentionDays: '8' }, /^"logRetentionDays" must be one of 1, 3, 5, 7, 14, 30, .* got "8"/],
    [{ logRetentionDays: 'long' }, '"logRetentionDays" must be a number, got "long".'],
    [{ removalPolicy: 'snapshot' }, '"removalPolicy" must be "retain" or "destroy", got "snapshot".'],
    [
      { secretsKeys: 'alias/mine' },
      '"secretsKeys" must be a list of ARNs of KMS keys with commas between, got "alias/mine".',
    ],
    [{ 'officernd.tick': '-1' }, '"officernd.tick" must be a whole number of minutes from 1 on, got "-1".'],
    [{ apiRequestsPerSecond: 'many' }, '"apiRequestsPerSecond" must be a number, got "many".'],
    [
      { 'officernd.hosts': 'a.example.com,' },
      '"officernd.hosts" must be a list with commas between, got "a.example.com,".',
    ],
    [{ 'officernd.ownBaseUrl': 'no' }, '"officernd.ownBaseUrl" must be "true" or "false", got "no".'],
    [{ 'officernd.refreshAt': 'half' }, '"officernd.refreshAt" must be a number, got "half".'],
    [{ alarmMail: 'ops@example.com' }, 'There is no setting "alarmMail": did you mean "alarmEmail"?'],
    [{ 'officerd.tick': '1' }, 'There is no setting "officerd.tick": did you mean "officernd.tick"?'],
    [
      { providers: 'ioffice', 'officernd.tick': '1' },
      '"officernd.tick" is set, but "providers" is "ioffice" and leaves that provider out.',
    ],
  ])('%j is told in a sentence', (context, sentence) => {
    expect(() => settingsOf(context)).toThrow(SettingsError);
    expect(() => settingsOf(context)).toThrow(sentence);
  });
});

describe('context that is not ours', () => {
  test.each(['acme-team', 'costCenter', 'owner', '@aws-cdk/core:x', 'acme.stage'])('%s blocks nothing', key => {
    expect(settingsOf({ [key]: 'anything', name: 'staging' })).toEqual({ name: 'staging' });
  });

  test.each([
    ['names', 'name'],
    ['provider', 'providers'],
    ['dashbord', 'dashboard'],
    ['officernd.ticks', 'officernd.tick'],
    ['acme.tick', undefined],
  ])('%s may be a slip', (key, meant) => {
    const message = meant === undefined ? `There is no setting "${key}"` : `did you mean "${meant}"?`;
    expect(() => settingsOf({ [key]: 'anything' })).toThrow(message);
  });
});

describe('the options of providers', () => {
  test.each([
    [{}, '"providers" must name at least one; leave it out to serve all.'],
    [{ officerd: {} }, /^"providers" must be some of poweroffice-v1, .*, got "officerd"/],
    [{ officernd: { refreshAt: 0.95 } }, '"refreshAt" of officernd must be a fraction from 0.1 to 0.9, got 0.95.'],
    [{ officernd: { refreshAt: Number.NaN } }, 'got NaN'],
    [{ officernd: { schedules: 9 } }, '"schedules" of officernd must be a whole number from 1 to 8, got 9.'],
    [
      { officernd: { hosts: ['api.example.com', 'https://a.example.com'] } },
      '"hosts" of officernd must name hosts such as "api.example.com" or "*.example.com", got "https://a.example.com".',
    ],
    [{ officernd: { hosts: ['*.com'] } }, '"hosts" of officernd must name hosts'],
    [{ officernd: { schedules: 1.5 } }, 'got 1.5'],
    [
      { officernd: { tick: Duration.seconds(90) } },
      '"tick" of officernd must be a whole number of minutes, at least 1, got 1.5.',
    ],
    [{ officernd: { tick: Duration.minutes(0) } }, 'got 0.'],
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
