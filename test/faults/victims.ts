import { type ConnectionId, hours, type Milliseconds, minutes, seconds } from '../../lib/core/types.ts';
import { until } from './poll.ts';
import type { Running } from './processes.ts';
import { type RefreshStep, type StepProxy, startStepProxy } from './proxy.ts';
import { SHORT_LIFETIME, shortened } from './shortened.ts';
import type { RowStage, SharedProcesses } from './stage.ts';

/** A refresher with a proxy between itself and AWS. */
export interface Victim {
  readonly proxy: StepProxy;
  readonly refresher: Running;
}

export const victimOf = async (shared: SharedProcesses, stage: RowStage): Promise<Victim> => {
  const proxy = await startStepProxy(shared.aws.url);
  return { proxy, refresher: await stage.refresher(proxy.endpoint) };
};

/** Returns one victim after another; the next one starts while the last is still working. */
export const victimsOf = (shared: SharedProcesses, stage: RowStage): (() => Promise<Victim>) => {
  let coming = victimOf(shared, stage);
  return async () => {
    const come = await coming;
    coming = victimOf(shared, stage);
    // The caller may not need it any more.
    coming.catch(() => {});
    return come;
  };
};

/** Resolves once the proxy struck; rejects if the run never reached that point. */
const within = <T>(what: string, struck: Promise<T>): Promise<T> => {
  let value: { readonly is: T } | undefined;
  struck.then(is => {
    value = { is };
  });
  return until(what, seconds(20), async () => value).then(({ is }) => is);
};

/** Lets one write of a run fail: refused, or accepted without an answer. Throws if the run never reached it. */
export const failWrite = async (
  stage: RowStage,
  { proxy, refresher }: Victim,
  id: ConnectionId,
  step: RefreshStep,
  how: 'refuse' | 'refuseAll' | 'lose',
): Promise<void> => {
  const struck = proxy[how](step);
  const run = stage.force(refresher, id);
  await within(`${how} ${step}`, struck);
  await run;
};

/** Kills a refresher at one moment of its run. */
export const killAt = async (
  stage: RowStage,
  { proxy, refresher }: Victim,
  id: ConnectionId,
  step: RefreshStep | 'grant',
  when: 'before' | 'after',
  lifetime: Milliseconds = SHORT_LIFETIME,
): Promise<void> => {
  if (step === 'grant') {
    await stage.behave(id, { lifetime, delay: { when, for: hours(1) } });
    void stage.force(refresher, id);
    await until('a request to the provider', seconds(20), async () => (await stage.counts(id)).waiting > 0);
    await stage.behave(id, { lifetime });
  } else {
    const held = proxy.hold(step, when);
    void stage.force(refresher, id);
    await within(`${when} ${step}`, held);
  }
  await refresher.kill();
  proxy.close();
};

/**
 * Freezes a refresher that is about to publish until its lease is over and another has done its work. Then lets its
 * write arrive and continues the process. True if none of its writes had an effect.
 */
export const overtake = async (stage: RowStage, { proxy, refresher }: Victim, id: ConnectionId): Promise<boolean> => {
  const held = proxy.hold('publish', 'before');
  const run = stage.force(refresher, id);
  const release = await within('before publish', held);
  refresher.freeze();
  const { version: frozen } = await stage.token(id);
  await until('another one takes over', shortened.lease + minutes(0.5), async () => {
    const renewed = (await stage.token(id)).version > frozen;
    return renewed && (await stage.isWell(id));
  });
  const { version, accessToken } = await stage.token(id);
  release();
  refresher.thaw();
  await run;
  proxy.close();
  const after = await stage.token(id);
  return after.version === version && after.accessToken === accessToken && stage.isWell(id);
};
