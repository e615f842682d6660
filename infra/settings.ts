import { nearMiss } from '../lib/definition/near-miss.ts';
import { providerIds } from '../lib/providers/index.ts';
import { type ProviderOptions, SettingsError } from './options.ts';
import { checkedName, type TokenRefresherProps } from './props.ts';
import {
  email,
  keyArns,
  list,
  number,
  providerList,
  type Reader,
  removalPolicy,
  retention,
  text,
  topicArn,
  trueOrFalse,
  wholeMinutes,
} from './setting-readers.ts';

/** The construct's props as far as text can say them. */
export interface Settings
  extends Pick<
    TokenRefresherProps,
    | 'name'
    | 'runbookUrl'
    | 'providers'
    | 'alarmEmail'
    | 'dashboard'
    | 'logRetention'
    | 'removalPolicy'
    | 'connectionsPerSecret'
    | 'apiRequestsPerSecond'
    | 'apiReservedConcurrency'
  > {
  readonly alarmTopicArn?: string;
  readonly secretsKeyArns?: readonly string[];
}

export type Context = Readonly<Record<string, unknown>>;

const deploymentName: Reader<string> = (key, value) => checkedName(text(key, value));

const readers = {
  name: deploymentName,
  runbookUrl: text,
  providers: providerList,
  alarmEmail: email,
  alarmTopic: topicArn,
  dashboard: trueOrFalse,
  logRetentionDays: retention,
  removalPolicy,
  secretsKeys: keyArns,
  connectionsPerSecret: number,
  apiRequestsPerSecond: number,
  apiReservedConcurrency: number,
};
const providerReaders = {
  refreshAt: number,
  tick: wholeMinutes,
  schedules: number,
  hosts: list,
  ownBaseUrl: trueOrFalse,
};

export const contextKeys: readonly string[] = Object.keys(readers);
export const providerContextKeys: readonly string[] = Object.keys(providerReaders);

/** The context of the app as settings. A misspelt key is an error: nobody would get the mails of a misspelt `alarmEmail`. */
export const settingsOf = (context: Context): Settings => {
  rejectMisspelt(context);
  const { providers: named, alarmTopic, logRetentionDays, secretsKeys, ...others } = readAll(readers, context);
  const providers = providersOf(context, named);
  return {
    ...others,
    ...(providers && { providers }),
    ...(alarmTopic !== undefined && { alarmTopicArn: alarmTopic }),
    ...(logRetentionDays !== undefined && { logRetention: logRetentionDays }),
    ...(secretsKeys && { secretsKeyArns: secretsKeys }),
  };
};

type Readers = Readonly<Record<string, Reader<unknown>>>;
type Read<R extends Readers> = { readonly [K in keyof R]?: ReturnType<R[K]> };

/** The values of all keys that are set. */
const readAll = <R extends Readers>(all: R, context: Context, prefix = ''): Read<R> =>
  Object.fromEntries(
    Object.entries(all).flatMap(([name, read]) => {
      const key = prefix + name;
      return context[key] === undefined ? [] : [[name, read(key, context[key])]];
    }),
  ) as Read<R>;

const providersOf = (context: Context, named: readonly string[] | undefined) => {
  const options = Object.fromEntries(
    (named ?? providerIds).map((id): [string, ProviderOptions] => [id, readAll(providerReaders, context, `${id}.`)]),
  );
  const stray = Object.keys(context).find(key => isOfProvider(key) && !(key.slice(0, key.indexOf('.')) in options));
  if (stray !== undefined) {
    throw new SettingsError(`"${stray}" must be of a provider in "providers", which is "${named?.join(',')}".`);
  }
  return named || Object.values(options).some(each => Object.keys(each).length > 0) ? options : undefined;
};

const ofProviders = providerIds.flatMap(id => providerContextKeys.map(option => `${id}.${option}`));
const isOfProvider = (key: string): boolean => ofProviders.includes(key);
const known = [...contextKeys, ...ofProviders];

const rejectMisspelt = (context: Context): void => {
  const mistake = Object.keys(context)
    .map(mistakeIn)
    .find(each => each !== undefined);
  if (mistake !== undefined) throw new SettingsError(mistake);
};

/** Keys that nobody reads here belong to others: feature flags, look-ups. */
const mistakeIn = (key: string): string | undefined => {
  if (known.includes(key)) return undefined;
  const meant = nearMiss(key, known);
  if (meant !== undefined) return `The context key "${meant}" must be spelt so, got "${key}".`;
  const id = providerIds.find(each => key.startsWith(`${each}.`));
  return id && `"${key}" must be one of ${providerContextKeys.map(each => `${id}.${each}`).join(', ')}.`;
};

/** Whether a key is a setting, or would be refused as one that is misspelt. */
export const isForUs = (key: string): boolean => known.includes(key) || mistakeIn(key) !== undefined;
