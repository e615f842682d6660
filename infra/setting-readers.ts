import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { mustBe } from './options.ts';

/** Reads the value of a context key; an error says what it must be. Values come from the command line or from JSON. */
export type SettingReader<T> = (key: string, value: unknown) => T;

export const listSetting: SettingReader<readonly string[]> = (key, value) => {
  const parts = typeof value === 'string' ? value.split(',').map(part => part.trim()) : value;
  const isList = Array.isArray(parts) && parts.length > 0 && parts.every(part => typeof part === 'string' && part);
  if (isList) return parts;
  throw mustBe(key, 'a comma-separated list', value);
};

export const providerList: SettingReader<readonly string[]> = (key, value) => {
  const ids = listSetting(key, value);
  if (new Set(ids).size === ids.length) return ids;
  throw mustBe(key, 'a list that names each provider once', value);
};

export const keyArns: SettingReader<readonly string[]> = (key, value) => {
  const arns = listSetting(key, value);
  if (arns.every(arn => /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/.test(arn))) return arns;
  throw mustBe(key, 'a comma-separated list of ARNs of KMS keys', value);
};

const matching =
  (pattern: RegExp, what: string): SettingReader<string> =>
  (key, value) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw mustBe(key, what, value);
  };

export const email = matching(/^[^@\s,]+@[^@\s,]+\.[^@\s,]+$/, 'an e-mail address');
export const topicArn = matching(/^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+$/, 'the ARN of an SNS topic');
/** Checked further by the props. */
export const textSetting = matching(/./, 'a text');

export const trueOrFalse: SettingReader<boolean> = (key, value) => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw mustBe(key, '"true" or "false"', value);
};

export const number: SettingReader<number> = (key, value) => {
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof read === 'number' && Number.isFinite(read)) return read;
  throw mustBe(key, 'a number', value);
};

export const wholeMinutes: SettingReader<Duration> = (key, value) => {
  const read = typeof value === 'string' ? Number(value) : value;
  if (typeof read === 'number' && Number.isInteger(read) && read >= 1) return Duration.minutes(read);
  throw mustBe(key, 'a whole number of minutes, at least 1', value);
};

const allDays = Object.values(RetentionDays)
  .filter(each => typeof each === 'number' && each !== RetentionDays.INFINITE)
  .map(Number)
  .toSorted((a, b) => a - b);

export const retention: SettingReader<RetentionDays> = (key, value) => {
  const days = allDays.find(each => each === Number(value));
  if (days !== undefined) return days;
  throw mustBe(key, `one of ${allDays.join(', ')}`, value);
};

export const removalPolicy: SettingReader<RemovalPolicy.RETAIN | RemovalPolicy.DESTROY> = (key, value) => {
  if (value === 'retain') return RemovalPolicy.RETAIN;
  if (value === 'destroy') return RemovalPolicy.DESTROY;
  throw mustBe(key, '"retain" or "destroy"', value);
};
