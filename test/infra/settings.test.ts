import { readdirSync } from 'node:fs';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { plansOf, SettingsError } from '../../infra/options.ts';
import { contextKeys, providerContextKeys, settingsOf } from '../../infra/settings.ts';
import { providerIds } from '../../lib/providers/index.ts';
import { cells, codesIn, rowsOf } from '../kit/pages.ts';
import { pathTo, textOf } from '../kit/repository.ts';

describe('the context of the app', () => {
  test('may be empty: feature flags and look-ups are not settings', () => {
    expect(
      settingsOf({ '@aws-cdk/core:any': true, 'aws:cdk:x': 1, 'availability-zones:account=1:region=x': [] }),
    ).toEqual({});
  });

  test('mirrors the props', () => {
    const context = {
      name: 'staging',
      runbookUrl: 'https://wiki.example.com/tokens',
      dashboard: 'true',
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
      connectionsPerSecret: '100',
      apiRequestsPerSecond: '20',
      apiReservedConcurrency: 5,
      secretsKeys: 'arn:aws:kms:eu-north-1:123456789012:key/1-2,arn:aws:kms:eu-north-1:123456789012:key/3',
    };
    const given = Object.keys(context).map(key => key.replace(/^(officernd|ioffice)\./, ''));
    expect(given.toSorted()).toEqual([...contextKeys, ...providerContextKeys].toSorted());
    expect(settingsOf(context)).toEqual({
      name: 'staging',
      runbookUrl: 'https://wiki.example.com/tokens',
      dashboard: true,
      providers: {
        officernd: { refreshAt: 0.4, tick: Duration.minutes(2), ownBaseUrl: false },
        ioffice: { schedules: 4, hosts: ['ioffice.example.com', '*.ioffice.example.net'] },
      },
      alarmEmail: 'ops@example.com',
      alarmTopicArn: 'arn:aws:sns:eu-north-1:123456789012:alarms',
      logRetention: 7,
      removalPolicy: RemovalPolicy.DESTROY,
      connectionsPerSecret: 100,
      apiRequestsPerSecond: 20,
      apiReservedConcurrency: 5,
      secretsKeyArns: ['arn:aws:kms:eu-north-1:123456789012:key/1-2', 'arn:aws:kms:eu-north-1:123456789012:key/3'],
    });
  });

  test('sets one provider without leaving out the others', () => {
    expect(Object.keys(settingsOf({ 'officernd.tick': '3' }).providers ?? {})).toEqual(providerIds);
  });

  test.each([
    [
      { name: 'Staging' },
      '"name" must be up to 40 lower-case letters, digits and hyphens, beginning with a letter, and not "default", got "Staging".',
    ],
    [{ name: 'default' }, /^"name" must be .*, and not "default", got "default"\.$/],
    [{ name: 5 }, '"name" must be a text, got 5.'],
    [{ dashboard: 'yes' }, '"dashboard" must be "true" or "false", got "yes".'],
    [{ providers: '' }, '"providers" must be a comma-separated list, got "".'],
    [
      { providers: 'officernd,officernd' },
      '"providers" must be a list that names each provider once, got "officernd,officernd".',
    ],
    [{ alarmEmail: 'foo' }, '"alarmEmail" must be an e-mail address, got "foo".'],
    [{ alarmTopic: 'alarms' }, '"alarmTopic" must be the ARN of an SNS topic, got "alarms".'],
    [{ logRetentionDays: '8' }, /^"logRetentionDays" must be one of 1, 3, 5, 7, 14, 30, .*, got "8"\.$/],
    [{ logRetentionDays: 'long' }, /^"logRetentionDays" must be one of 1, 3, .*, got "long"\.$/],
    [{ removalPolicy: 'snapshot' }, '"removalPolicy" must be "retain" or "destroy", got "snapshot".'],
    [
      { secretsKeys: 'alias/mine' },
      '"secretsKeys" must be a comma-separated list of ARNs of KMS keys, got "alias/mine".',
    ],
    [{ 'officernd.tick': '-1' }, '"officernd.tick" must be a whole number of minutes, at least 1, got "-1".'],
    [{ apiRequestsPerSecond: 'many' }, '"apiRequestsPerSecond" must be a number, got "many".'],
    [
      { 'officernd.hosts': 'a.example.com,' },
      '"officernd.hosts" must be a comma-separated list, got "a.example.com,".',
    ],
    [{ 'officernd.ownBaseUrl': 'no' }, '"officernd.ownBaseUrl" must be "true" or "false", got "no".'],
    [{ 'officernd.refreshAt': 'half' }, '"officernd.refreshAt" must be a number, got "half".'],
    [
      { providers: 'ioffice', 'officernd.tick': '1' },
      '"officernd.tick" must be of a provider in "providers", which is "ioffice".',
    ],
  ])('%j is refused: the error says what it must be', (context, sentence) => {
    expect(() => settingsOf(context)).toThrow(SettingsError);
    expect(() => settingsOf(context)).toThrow(sentence);
  });
});

describe('an unknown key', () => {
  test.each([
    ['alarmMail', 'alarmEmail'],
    ['alarmEmial', 'alarmEmail'],
    ['alarm-email', 'alarmEmail'],
    ['AlarmEmail', 'alarmEmail'],
    ['names', 'name'],
    ['provider', 'providers'],
    ['secretKey', 'secretsKeys'],
    ['logRetentionDay', 'logRetentionDays'],
    ['officerd.tick', 'officernd.tick'],
    ['officernd.tik', 'officernd.tick'],
    ['acme-team', undefined],
    ['costCentre', undefined],
    ['tags', undefined],
    ['stage', undefined],
    ['owner.email', undefined],
  ])('"%s" is an error if it resembles a setting', (key, meant) => {
    const read = () => settingsOf({ [key]: 'x' });
    if (meant === undefined) expect(read()).toEqual({});
    else expect(read).toThrow(`The context key "${meant}" must be spelled like this, got "${key}".`);
  });

  test('is an error if it names a provider', () => {
    expect(() => settingsOf({ 'officernd.interval': '1' })).toThrow(
      '"officernd.interval" must be one of officernd.refreshAt, officernd.tick, officernd.schedules, ',
    );
  });
});

describe('the options of providers', () => {
  test.each([
    [{}, /^"providers" must be 1 to 25 of [a-z].*, or of your own, got \[\]\.$/],
    [{ officerd: {} }, /^"providers" must be some of [a-z].*, got "officerd"\.$/],
    [{ officernd: { refreshAt: 0.95 } }, '"officernd.refreshAt" must be a fraction from 0.1 to 0.9, got 0.95.'],
    [{ officernd: { refreshAt: Number.NaN } }, '"officernd.refreshAt" must be a fraction from 0.1 to 0.9, got NaN.'],
    [{ officernd: { schedules: 9 } }, '"officernd.schedules" must be a whole number from 1 to 8, got 9.'],
    [
      { officernd: { hosts: ['api.example.com', 'https://a.example.com'] } },
      '"officernd.hosts" must be hosts such as "api.example.com" or "*.example.com", got "https://a.example.com".',
    ],
    [{ officernd: { hosts: ['*.com'] } }, '"officernd.hosts" must be hosts'],
    [{ officernd: { schedules: 1.5 } }, '"officernd.schedules" must be a whole number from 1 to 8, got 1.5.'],
    [
      { officernd: { tick: Duration.seconds(90) } },
      '"officernd.tick" must be a whole number of minutes, at least 1, got 1.5.',
    ],
    [
      { officernd: { tick: Duration.minutes(0) } },
      '"officernd.tick" must be a whole number of minutes, at least 1, got 0.',
    ],
    [
      { 'poweroffice-v1': { refreshAt: 0.9 } },
      '"poweroffice-v1.refreshAt" and "poweroffice-v1.tick" must leave two ticks before a token of 10 minutes expires, got 0.9 and 1 minutes.',
    ],
    [
      { 'poweroffice-v2': { refreshAt: 0.5, tick: Duration.minutes(5) } },
      'must leave two ticks before a token of 20 minutes expires',
    ],
  ])('%j is refused: the error says what it must be', (options, sentence) => {
    expect(() => plansOf(options)).toThrow(SettingsError);
    expect(() => plansOf(options)).toThrow(sentence);
  });

  test('the defaults suit every provider', () => {
    expect(plansOf(undefined).map(({ provider }) => provider.id)).toEqual(providerIds);
  });
});

/** The properties of an interface, as its source has them. */
const propertiesOf = (file: string, name: string): readonly string[] => {
  const [, body = ''] = textOf(`infra/${file}`).split(`export interface ${name} {\n`);
  return [...(body.split('\n}')[0] ?? '').matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, property = '']) => property);
};
const deploy = textOf('docs/deploy.md');
/** The names in the first column of the table that begins with this column. */
const namesBelow = (column: string): readonly string[] => {
  const [, table = ''] = new RegExp(`^\\| ${column} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, 'm').exec(deploy) ?? [];
  return rowsOf(table).flatMap(row => codesIn(cells(row)[1] ?? ''));
};

describe('a setting is complete', () => {
  test('every prop is a context key, or one that text cannot give', () => {
    const props = propertiesOf('props.ts', 'TokenRefresherProps').map(prop =>
      prop === 'logRetention' ? 'logRetentionDays' : prop,
    );
    expect(props.toSorted()).toEqual([...contextKeys, ...namesBelow('prop')].toSorted());
  });

  test('every option of a provider is a context key, apart from its definition', () => {
    const options = propertiesOf('options.ts', 'ProviderOptions').filter(option => option !== 'definition');
    expect(options.toSorted()).toEqual(providerContextKeys.toSorted());
  });

  const templateTests = readdirSync(pathTo('test/infra'))
    .filter(file => file.endsWith('.test.ts') && file !== 'settings.test.ts')
    .map(file => textOf(`test/infra/${file}`));
  test.each([...propertiesOf('props.ts', 'TokenRefresherProps'), ...propertiesOf('options.ts', 'ProviderOptions')])(
    'what %s changes has a test',
    name => {
      expect(
        templateTests.some(text => new RegExp(`\\b${name}\\b`).test(text)),
        'test/infra/resources.test.ts',
      ).toBe(true);
    },
  );

  test('docs/deploy.md has every context key', () => {
    const ofProviders = providerContextKeys.map(option => `<provider>.${option}`);
    expect(namesBelow('context key').toSorted()).toEqual([...contextKeys, ...ofProviders].toSorted());
  });
});
