import assert from 'node:assert/strict';
import { providerIds } from '../../lib/providers/index.ts';
import { deploymentOf } from './deployment.ts';
import { idOf, type LocalAws, resourcesOf } from './emulator.ts';

const STACK = 'TokenRefresher-staging';

/**
 * Deploys a second stage beside the first one: functions, tables and schedules of its own, and its own secrets. That no role
 * of one reaches the secrets of the other is evaluated in test/infra/stages.test.ts.
 */
export const checkStages = async (aws: LocalAws, root: string): Promise<void> => {
  await aws.deploy(root, STACK, { name: 'staging' });
  const resources = await resourcesOf(aws, STACK);
  const { functions, schedules } = await deploymentOf(aws, 'staging');
  const watch = functions.get(idOf(resources, /WatchFunction[0-9A-F]{8}$/));
  const { DEPLOYMENT, TOKENS_TABLE } = watch?.Environment.Variables ?? {};
  assert.deepEqual([DEPLOYMENT, TOKENS_TABLE], ['staging', idOf(resources, /StorageTokens/)]);
  assert.equal(schedules.length, providerIds.length + 1);
};
