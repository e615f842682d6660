import assert from 'node:assert/strict';
import { type Call, letsThrough, requestOf } from '../iam/calls.ts';
import { type Refusal, refusalsIn } from '../iam/refusals.ts';
import type { Judge } from './judge.ts';
import { probeAccessKeyOf } from './proxy.ts';
import { canBeSent, send } from './wire.ts';

/** Sends each call that must be refused, and its twin that must succeed; returns a line for each kind of refusal. */
export const checkRefusals = async (judge: Judge, proxy: string): Promise<readonly string[]> => {
  const { account } = judge.evaluator;
  const all = refusalsIn(account.physicalAt('Schedules/Group'), account.physicalAt('Api/HttpApi'));
  for (const { what, twin, but } of all) {
    const refused = { ...twin, ...but };
    const answers = [await passes(judge, proxy, twin), await passes(judge, proxy, refused)];
    assert.deepEqual(answers, [true, false], `${refused.as}: ${what} (${refused.does} on ${refused.on})`);
  }
  return all.map(lineOf).toSorted();
};

/** Sends the call if it can be sent by itself, which a service's use of a key, for example, cannot. */
const passes = async (judge: Judge, proxy: string, call: Call): Promise<boolean> => {
  const { account } = judge.evaluator;
  const bySelf = call.secure === undefined && call.from === undefined && call.via === undefined;
  if (!canBeSent(call.does) || !bySelf) return letsThrough(judge.evaluator, call, judge.secretsKey);
  const { input } = await requestOf(call, account, judge.secretsKey);
  const { status, body } = await send(proxy, probeAccessKeyOf(call.as), call.does, input);
  if (status === 200) return true;
  assert.match(String(body.__type), /AccessDenied/);
  return false;
};

const lineOf = ({ what, twin, but }: Refusal): string => {
  const { as, does, on, keys } = { ...twin, ...but };
  return `${as} | ${does} | ${[on, ...(keys ?? [])].join(' ')} | ${what}`;
};
