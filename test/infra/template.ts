import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { vi } from 'vitest';
import type { Settings } from '../../infra/settings.ts';
import { TokenRefresherStack } from '../../infra/stack.ts';
import { isObject } from '../../lib/core/json.ts';
import type { Resource } from '../iam/stacks.ts';
import { textOf } from '../kit/repository.ts';

export type Resources = Readonly<Record<string, Resource>>;

// The first synthesis in a process loads most of the CDK.
vi.setConfig({ testTimeout: 60_000 });

const { context } = JSON.parse(textOf('cdk.json'));

/** One for all apps of a file: each writes the code of the functions there. */
const outdir = mkdtempSync(join(tmpdir(), 'synthesized-'));
process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));

/** An app like the deployed one. */
export const newApp = (): App =>
  new App({
    outdir,
    context: { ...context, 'aws:cdk:disable-asset-staging': true, 'aws:cdk:enable-path-metadata': true },
  });

export const resourcesOf = (stack: Stack): Resources => Template.fromStack(stack).toJSON().Resources;

export const deployedResources = (settings: Settings = {}): Resources =>
  resourcesOf(new TokenRefresherStack(newApp(), 'TokenRefresher', settings));

export const ofType = (resources: Resources, type: string): [id: string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

/** The path of a resource in the construct tree below the stack and the construct: `Storage/Tokens`. */
export const constructPathOf = (resources: Resources, id: string): string =>
  String(resources[id]?.Metadata?.['aws:cdk:path'] ?? id)
    .replace(/^[^/]+\/TokenRefresher\//, '')
    .replace(/\/(Resource|Default)$/, '');

/** An intrinsic function as text: `arn:<AWS::Partition>:…`, `<Storage/Tokens.Arn>`. */
export const intrinsicText = (resources: Resources, value: unknown): string => {
  if (!isObject(value)) return String(value);
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join, 'Fn::ImportValue': imported } = value;
  if (typeof Ref === 'string') return `<${constructPathOf(resources, Ref)}>`;
  if (Array.isArray(attribute)) return `<${constructPathOf(resources, String(attribute[0]))}.${attribute[1]}>`;
  if (Array.isArray(join)) return join[1].map((part: unknown) => intrinsicText(resources, part)).join(join[0]);
  if (imported !== undefined) return `<import ${imported}>`;
  return JSON.stringify(value);
};
