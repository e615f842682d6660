import { nearMiss } from '../lib/definition/near-miss.ts';
import type { DefinedProvider } from '../lib/definition/provider.ts';
import { providerIds } from '../lib/providers/index.ts';
import { ProviderDefinition, type ProviderOptions, SettingsError } from './options.ts';
import { checkedName, type TokenRefresherProps } from './props.ts';
import {
  email,
  keyArns,
  listSetting,
  number,
  providerList,
  removalPolicy,
  retention,
  type SettingReader,
  textSetting,
  topicArn,
  trueOrFalse,
  wholeMinutes,
} from './setting-readers.ts';

/** The props of the construct that can be given as text. */
export interface Settings
  extends Pick<TokenRefresherProps, Extract<keyof typeof readers, keyof TokenRefresherProps> | 'logRetention'> {
  readonly alarmTopicArn?: string;
  readonly secretsKeyArns?: readonly string[];
}

export type Context = Readonly<Record<string, unknown>>;

const deploymentName: SettingReader<string> = (key, value) => checkedName(textSetting(key, value));

const readers = {
  name: deploymentName,
  runbookUrl: textSetting,
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
  hosts: listSetting,
  ownBaseUrl: trueOrFalse,
};

export const contextKeys: readonly string[] = Object.keys(readers);
export const providerContextKeys: readonly string[] = Object.keys(providerReaders);

/**
 * The context of the app as settings, with the providers of `providers/`. A misspelled key is an error: nobody would
 * get the mails of a misspelled `alarmEmail`.
 */
export const settingsOf = (context: Context, own: readonly DefinedProvider[] = []): Settings => {
  rejectMisspelt(context, own);
  const { providers: named, alarmTopic, logRetentionDays, secretsKeys, ...others } = readAll(readers, context);
  const providers = providersOf(context, named, own);
  return {
    ...others,
    ...(providers && { providers }),
    ...(alarmTopic !== undefined && { alarmTopicArn: alarmTopic }),
    ...(logRetentionDays !== undefined && { logRetention: logRetentionDays }),
    ...(secretsKeys && { secretsKeyArns: secretsKeys }),
  };
};

type Readers = Readonly<Record<string, SettingReader<unknown>>>;
type Read<R extends Readers> = { readonly [K in keyof R]?: ReturnType<R[K]> };

/** The values of all keys that are set. */
const readAll = <R extends Readers>(all: R, context: Context, prefix = ''): Read<R> =>
  Object.fromEntries(
    Object.entries(all).flatMap(([name, read]) => {
      const key = prefix + name;
      return context[key] === undefined ? [] : [[name, read(key, context[key])]];
    }),
  ) as Read<R>;

const providersOf = (context: Context, named: readonly string[] | undefined, own: readonly DefinedProvider[]) => {
  const definitions = new Map(own.map(each => [each.id, { definition: new ProviderDefinition(each) }]));
  const ids = idsOf(own);
  const options = Object.fromEntries(
    (named ?? ids).map((id): [string, ProviderOptions] => [
      id,
      { ...definitions.get(id), ...readAll(providerReaders, context, `${id}.`) },
    ]),
  );
  const ofProviders = keysOf(ids);
  const stray = Object.keys(context).find(
    key => ofProviders.includes(key) && !(key.slice(0, key.indexOf('.')) in options),
  );
  if (stray !== undefined) {
    throw new SettingsError(`"${stray}" must be of a provider in "providers", which is "${named?.join(',')}".`);
  }
  return named || Object.values(options).some(each => Object.keys(each).length > 0) ? options : undefined;
};

const idsOf = (own: readonly DefinedProvider[]): readonly string[] => [...providerIds, ...own.map(({ id }) => id)];
const keysOf = (ids: readonly string[]): readonly string[] =>
  ids.flatMap(id => providerContextKeys.map(option => `${id}.${option}`));

const rejectMisspelt = (context: Context, own: readonly DefinedProvider[]): void => {
  const mistake = Object.keys(context)
    .map(key => mistakeIn(key, idsOf(own)))
    .find(each => each !== undefined);
  if (mistake !== undefined) throw new SettingsError(mistake);
};

/** Unknown keys may belong to others: feature flags, look-ups. */
const mistakeIn = (key: string, ids: readonly string[]): string | undefined => {
  const known = [...contextKeys, ...keysOf(ids)];
  if (known.includes(key)) return undefined;
  const meant = nearMiss(key, known);
  if (meant !== undefined) return `The context key "${meant}" must be spelled like this, got "${key}".`;
  const id = ids.find(each => key.startsWith(`${each}.`));
  return id && `"${key}" must be one of ${providerContextKeys.map(each => `${id}.${each}`).join(', ')}.`;
};

/** Whether a key is a setting, or is refused as a misspelled one. */
export const isForUs = (key: string, own: readonly DefinedProvider[]): boolean =>
  contextKeys.includes(key) || keysOf(idsOf(own)).includes(key) || mistakeIn(key, idsOf(own)) !== undefined;
