import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isObject, jsonObject } from '../lib/core/json.ts';
import type { Context } from './settings.ts';

/** The context in the project's file, and in the file that a person has for all apps. */
export interface ContextFiles {
  readonly project: Context;
  readonly personal: Context;
}

export const contextFiles = (home = homedir(), project = process.cwd()): ContextFiles => ({
  project: contextIn(join(project, 'cdk.json')),
  personal: contextIn(join(home, '.cdk.json')),
});

/** The CDK has read these files before and refused invalid JSON. */
const contextIn = (file: string): Context => {
  try {
    const context = jsonObject(readFileSync(file, 'utf8'))?.context;
    return isObject(context) ? context : {};
  } catch {
    return {};
  }
};

/**
 * The context without entries that come only from `~/.cdk.json`: a company's `name` for all of its apps must not rename
 * or break a deployment.
 */
export const withoutPersonal = (context: Context, { project, personal }: ContextFiles): Context =>
  Object.fromEntries(
    Object.entries(context).filter(([key, value]) => key in project || !isDeepStrictEqual(value, personal[key])),
  );
