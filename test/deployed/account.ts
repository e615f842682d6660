import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AwsAccount, type Secret } from '../iam/account.ts';
import type { Stack, Template } from '../iam/stacks.ts';
import { type LocalAws, physicalIdsOf } from './emulator.ts';
import { send } from './wire.ts';

const templateOf = async (assembly: string, stack: string): Promise<Template> =>
  JSON.parse(await readFile(join(assembly, `${stack}.template.json`), 'utf8'));

const deployedStack = async (aws: LocalAws, assembly: string, name: string): Promise<Stack> => {
  const [template, ids] = await Promise.all([templateOf(assembly, name), physicalIdsOf(aws, name)]);
  const physical = (id: string): string => {
    // The emulator has no id for an event bus; it uses the given name.
    const found = ids.get(id) || template.Resources[id]?.Properties.Name;
    if (typeof found !== 'string') throw new Error(`${id} is not deployed`);
    return found;
  };
  return { template, physical };
};

/** The account with the policies of deployed stacks, and of other stacks that are not deployed. */
export const deployedAccount = async (
  aws: LocalAws,
  assemblies: Readonly<Record<string, string>>,
  others: readonly Stack[] = [],
): Promise<AwsAccount> => {
  const stacks = await Promise.all(
    Object.entries(assemblies).map(([name, assembly]) => deployedStack(aws, assembly, name)),
  );
  const place = { partition: 'aws', region: 'us-east-1', account: '123456789012' };
  return new AwsAccount(place, [...stacks, ...others], name => secretIn(aws, name));
};

/** A secret's ARN and key. For a missing secret IAM uses the requested name. */
const secretIn = async (aws: LocalAws, name: string): Promise<Secret> => {
  const { AWS_ENDPOINT_URL = '', AWS_ACCESS_KEY_ID = '' } = aws.variables;
  const { status, body } = await send(AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, 'secretsmanager:DescribeSecret', {
    SecretId: name,
  });
  if (status !== 200) return { arn: `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}` };
  const { ARN, KmsKeyId } = body;
  return { arn: String(ARN), ...(typeof KmsKeyId === 'string' && { key: KmsKeyId }) };
};
