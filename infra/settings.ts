import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { closest, distance } from 'fastest-levenshtein';
import { isDeploymentName } from '../lib/core/deployment.ts';
import { providerIds } from '../lib/providers/index.ts';
import { type ProviderOptions, SettingsError } from './options.ts';
import type { TokenRefresherProps } from './token-refresher.ts';

/** The construct's props as far as text can say them. */
export interface Settings
  extends Pick<
    TokenRefresherProps,
    | 'name'
    | 'runbookUrl'
    | 'dashboard'
    | 'providers'
    | 'alarmEmail'
    | 'logRetention'
    | 'removalPolicy'
    | 'connectionsPerSecret'
    | 'apiRequestsPerSecond'
    | 'apiReservedConcurrency'
  > {
  readonly alarmTopicArn?: string;
  readonly secretsKeyArns?: readonly string[];
}

type Context = Readonly<Record<string, unknown>>;

/** One reader a key: what the text means, or a sentence that says what it should be. */
const readers = {
  name: matching(isDeploymentName, 'up to 40 lower-case letters, digits and hyphens, beginning with a letter'),
  providers: list,
  alarmEmail: matching(text => /^[^@\s,]+@[^@\s,]+\.[^@\s,]+$/.test(text), 'an e-mail address'),
  alarmTopic: matching(text => /^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+$/.test(text), 'the ARN of an SNS topic'),
  runbookUrl: matching(text => URL.parse(text)?.protocol === 'https:', 'an https URL'),
  dashboard: trueOrFalse,
  logRetentionDays: retention,
  removalPolicy,
  secretsKeys: keys,
  connectionsPerSecret: number,
  apiRequestsPerSecond: number,
  apiReservedConcurrency: number,
};
const providerReaders = { refreshAt: number, tick: number, schedules: number, hosts: list, ownBaseUrl: trueOrFalse };

export const contextKeys: readonly string[] = Object.keys(readers);
export const providerContextKeys: readonly string[] = Object.keys(providerReaders);

/** The context of the app as settings. */
export const settingsOf = (context: Context): Settings => {
  rejectUnknown(context);
  const read = <K extends keyof typeof readers>(key: K) =>
    context[key] === undefined ? undefined : (readers[key](key, context[key]) as ReturnType<(typeof readers)[K]>);
  const providers = providersOf(context, read('providers'));
  const [alarmEmail, alarmTopicArn, logRetention] = [read('alarmEmail'), read('alarmTopic'), read('logRetentionDays')];
  const [removal, secretsKeyArns] = [read('removalPolicy'), read('secretsKeys')];
  const [name, runbookUrl, dashboard] = [read('name'), read('runbookUrl'), read('dashboard')];
  const connectionsPerSecret = read('connectionsPerSecret');
  const [apiRequestsPerSecond, apiReservedConcurrency] = [read('apiRequestsPerSecond'), read('apiReservedConcurrency')];
  return {
    ...(name !== undefined && { name }),
    ...(runbookUrl !== undefined && { runbookUrl }),
    ...(dashboard !== undefined && { dashboard }),
    ...(providers && { providers }),
    ...(alarmEmail !== undefined && { alarmEmail }),
    ...(alarmTopicArn !== undefined && { alarmTopicArn }),
    ...(logRetention !== undefined && { logRetention }),
    ...(removal !== undefined && { removalPolicy: removal }),
    ...(secretsKeyArns && { secretsKeyArns }),
    ...(connectionsPerSecret !== undefined && { connectionsPerSecret }),
    ...(apiRequestsPerSecond !== undefined && { apiRequestsPerSecond }),
    ...(apiReservedConcurrency !== undefined && { apiReservedConcurrency }),
  };
};

const providersOf = (context: Context, named: readonly string[] | undefined) => {
  const options = Object.fromEntries(
    (named ?? providerIds).map((id): [string, ProviderOptions] => [id, providerOptions(context, id)]),
  );
  const stray = Object.keys(context).find(key => isOfProvider(key) && !(key.slice(0, key.indexOf('.')) in options));
  if (stray !== undefined) {
    throw new SettingsError(
      `"${stray}" is set, but "providers" is "${named?.join(',')}" and leaves that provider out.`,
    );
  }
  return named || Object.values(options).some(each => Object.keys(each).length > 0) ? options : undefined;
};

const providerOptions = (context: Context, id: string): ProviderOptions => {
  const read = <K extends keyof typeof providerReaders>(option: K) => {
    const key = `${id}.${option}`;
    const reader: (key: string, value: unknown) => unknown = providerReaders[option];
    return context[key] === undefined
      ? undefined
      : (reader(key, context[key]) as ReturnType<(typeof providerReaders)[K]>);
  };
  const [refreshAt, tick, schedules] = [read('refreshAt'), read('tick'), read('schedules')];
  const [hosts, ownBaseUrl] = [read('hosts'), read('ownBaseUrl')];
  return {
    ...(refreshAt !== undefined && { refreshAt }),
    ...(tick !== undefined && { tick: minutesIn(`${id}.tick`, tick) }),
    ...(schedules !== undefined && { schedules }),
    ...(hosts && { hosts }),
    ...(ownBaseUrl !== undefined && { ownBaseUrl }),
  };
};

const isOfProvider = (key: string): boolean => {
  const [id = '', option = '', ...rest] = key.split('.');
  return providerIds.includes(id) && option in providerReaders && rest.length === 0;
};

/**
 * A key that nobody reads may be a slip: a misspelt address would never get a mail. Other keys are a company's own, from
 * `~/.cdk.json` or for other tools, and none of our business.
 */
const rejectUnknown = (context: Context): void => {
  const known = [...contextKeys, ...providerIds.flatMap(id => providerContextKeys.map(option => `${id}.${option}`))];
  for (const key of Object.keys(context).filter(each => !known.includes(each))) {
    const meant = closest(key, known);
    const isOption = providerContextKeys.includes(key.slice(key.indexOf('.') + 1)) && key.includes('.');
    if (distance(key, meant) <= SLIP) throw new SettingsError(`There is no setting "${key}": did you mean "${meant}"?`);
    if (isOption) throw new SettingsError(`There is no setting "${key}": the providers are ${providerIds.join(', ')}.`);
  }
};

/** So many letters may be wrong in a word that was meant to be another. */
const SLIP = 2;

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function wrong(key: string, value: unknown, is: string): SettingsError {
  return new SettingsError(`"${key}" must be ${is}, got "${shown(value)}".`);
}

function list(key: string, value: unknown): readonly string[] {
  const all = typeof value === 'string' ? value.split(',').map(each => each.trim()) : [];
  if (all.length === 0 || all.includes('')) throw wrong(key, value, 'a list with commas between');
  if (new Set(all).size < all.length) throw wrong(key, value, 'a list that names each once');
  return all;
}

function keys(key: string, value: unknown): readonly string[] {
  const arns = list(key, value);
  if (arns.every(arn => /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/.test(arn))) return arns;
  throw wrong(key, value, 'a list of ARNs of KMS keys with commas between');
}

function matching(matches: (text: string) => boolean, is: string) {
  return (key: string, value: unknown): string => {
    if (typeof value === 'string' && matches(value)) return value;
    throw wrong(key, value, is);
  };
}

function trueOrFalse(key: string, value: unknown): boolean {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw wrong(key, value, '"true" or "false"');
}

function number(key: string, value: unknown): number {
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof read === 'number' && Number.isFinite(read)) return read;
  throw wrong(key, value, 'a number');
}

function minutesIn(key: string, value: number): Duration {
  if (Number.isInteger(value) && value >= 1) return Duration.minutes(value);
  throw wrong(key, value, 'a whole number of minutes from 1 on');
}

function retention(key: string, value: unknown): RetentionDays {
  const days = Object.values(RetentionDays).filter(each => typeof each === 'number' && each !== RetentionDays.INFINITE);
  const found = days.find(each => each === number(key, value));
  if (typeof found === 'number') return found;
  throw wrong(key, value, `one of ${days.toSorted((a, b) => Number(a) - Number(b)).join(', ')}`);
}

function removalPolicy(key: string, value: unknown): RemovalPolicy.RETAIN | RemovalPolicy.DESTROY {
  if (value === 'retain') return RemovalPolicy.RETAIN;
  if (value === 'destroy') return RemovalPolicy.DESTROY;
  throw wrong(key, value, '"retain" or "destroy"');
}
