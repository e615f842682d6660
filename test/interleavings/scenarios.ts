import { GRACE } from '../../lib/core/retirement.ts';
import { type ConnectionId, minutes } from '../../lib/core/types.ts';
import { SURELY_DUE } from '../kit/vendor.ts';
import type { Actor } from './actor.ts';
import { FOURTH, KEYS, SINGLE, type Stage } from './stage.ts';

export type ProcessRole = 'worker' | 'discovery';
export type Pair = readonly [ProcessRole, ProcessRole];

/** An initial state, and what people do meanwhile. */
export interface Scenario {
  readonly name: string;
  readonly pairs: readonly Pair[];
  prepare(stage: Stage): Promise<void>;
  /** The work of a process, if it is not one sweep or one discovery. */
  readonly work?: Partial<Record<ProcessRole, (stage: Stage, actor: Actor) => Promise<void>>>;
  /** Events between two operations, tried at every point, in this order. */
  readonly events?: readonly ((stage: Stage) => Promise<void> | void)[];
  /** The connections whose secrets exist in the end, and those whose secrets do not. */
  readonly there: readonly ConnectionId[];
  readonly gone?: readonly ConnectionId[];
  /** There are too many interleavings: CI leaves out those with a lost answer or a refusal. */
  readonly isLarge?: boolean;
  /** The refresh token is the only copy of access. */
  readonly onlyCopy?: boolean;
  /** The only copy that was replaced is lost with the table. */
  readonly losesOnlyCopy?: boolean;
  /** A table is restored: record and token may differ until the next renewal. */
  readonly restores?: boolean;
  /** What people do after both processes, if the processes crashed. */
  afterwards?(stage: Stage): Promise<void>;
}

const login = { password: 'right' };
const code = { code: 'good-1' };
const packed = (keys: readonly string[], more: object = {}) => ({
  ...login,
  ...more,
  connections: Object.fromEntries(keys.map(key => [key, {}])),
});
const noted = (secret: object) => ({ ...secret, note: 'changed' });
const ABC = ['a', 'b', 'c'];
const ABCD = [...ABC, 'd'];

const WW: Pair = ['worker', 'worker'];
const WD: Pair = ['worker', 'discovery'];
const DW: Pair = ['discovery', 'worker'];
const DD: Pair = ['discovery', 'discovery'];
const ALL = [WW, WD, DW, DD];
/** A worker that finds nothing to do has only one operation: it cannot come first. */
const UNNOTICED = [DW, DD];

const begun =
  (secret: unknown, wait = SURELY_DUE) =>
  async (stage: Stage): Promise<void> => {
    await stage.put('acme', secret);
    await stage.discover();
    await stage.tick();
    stage.clock.pass(wait);
  };
const undiscovered = (secret: unknown) => (stage: Stage) => stage.put('acme', secret);
const discovered = (secret: unknown) => async (stage: Stage) => {
  await stage.put('acme', secret);
  await stage.discover();
};
const thenPut =
  (before: unknown, after: unknown, wait = minutes(2)) =>
  async (stage: Stage) => {
    await begun(before, wait)(stage);
    await stage.put('acme', after);
  };

/** A discovery that finds the secret gone, everything that follows, and a discovery that finds it again. */
const goneAndBack = (go: (stage: Stage) => Promise<void>, back: (stage: Stage) => Promise<void>, wait = 0) => ({
  work: {
    discovery: async (stage: Stage, actor: Actor) => {
      await person(actor, 'deletes the secret', () => go(stage));
      await stage.discover(actor);
      if (wait > 0) await person(actor, 'lets time pass', async () => stage.clock.pass(wait));
      await stage.tick(actor);
      await person(actor, 'brings it back', () => back(stage));
      await stage.discover(actor);
    },
  },
  afterwards: back,
});
const person = (actor: Actor, does: string, act: () => Promise<void>): Promise<void> =>
  actor.operation(`somebody ${does}`, act, () => undefined);
const DELETED = (stage: Stage) => stage.remove('acme');
const ERASED = (stage: Stage) => stage.erase('acme');
const CREATED = async (stage: Stage) => {
  if (!(await stage.hasSecret('acme'))) await stage.put('acme', login);
};
const REPLACED = async (stage: Stage) => {
  await ERASED(stage);
  await stage.put('acme', login);
};
const RESTORED = (stage: Stage) => stage.restore('acme');
const FORGOTTEN = (stage: Stage) => stage.deleteRecord(SINGLE);

/** Renewed several times, with a copy of a table after the first renewal. */
const renewed = (secret: unknown, table: 'tokens' | 'connections', times: number) => {
  let bringBack: () => void = () => {};
  return {
    prepare: async (stage: Stage) => {
      await begun(secret)(stage);
      bringBack = stage.backUp(table);
      for (let time = 0; time < times; time += 1) {
        await stage.tick();
        stage.clock.pass(SURELY_DUE);
      }
    },
    events: [() => bringBack()],
    restores: true,
  };
};

/** Most scenarios are about one connection, which has its secret in the end. */
const rows: readonly (Omit<Scenario, 'there'> & Partial<Scenario>)[] = [
  { name: 'due', pairs: [WW, WD, DW], prepare: begun(login) },
  { name: 'new', pairs: [WW], prepare: discovered(login) },
  { name: 'undiscovered', pairs: UNNOTICED, prepare: undiscovered(login) },
  { name: 'secret-changed', pairs: UNNOTICED, prepare: thenPut(login, noted(login)) },
  { name: 'secret-changed-when-due', pairs: ALL, prepare: thenPut(login, noted(login), SURELY_DUE) },
  {
    name: 'password-changed',
    pairs: ALL,
    prepare: async stage => {
      await thenPut(login, { password: 'new' }, SURELY_DUE)(stage);
      stage.vendor.password = 'new';
    },
  },
  { name: 'password-corrected', pairs: UNNOTICED, prepare: thenPut({ password: 'wrong' }, login) },

  { name: 'code-due', pairs: [WW, WD, DW], prepare: begun(code), onlyCopy: true },
  { name: 'code-new', pairs: [WW], prepare: discovered(code), onlyCopy: true },
  { name: 'code-undiscovered', pairs: UNNOTICED, prepare: undiscovered(code), onlyCopy: true },
  { name: 'code-note-changed', pairs: ALL, prepare: thenPut(code, noted(code), SURELY_DUE), onlyCopy: true },
  { name: 'code-replaced', pairs: UNNOTICED, prepare: thenPut(code, { code: 'good-2' }), onlyCopy: true },

  { name: 'packed-undiscovered', pairs: UNNOTICED, prepare: undiscovered(packed(ABC)), there: KEYS },
  { name: 'packed-due', pairs: [WW, WD], prepare: begun(packed(ABC)), there: KEYS },
  {
    name: 'packed-key-added',
    pairs: [WD, DW, DD],
    prepare: thenPut(packed(ABC), packed(ABCD)),
    there: [...KEYS, FOURTH],
  },
  {
    name: 'packed-password-corrected',
    pairs: UNNOTICED,
    prepare: thenPut(packed(ABC, { password: 'wrong' }), packed(ABC)),
    there: KEYS,
  },
  {
    name: 'packed-key-added-meanwhile',
    pairs: [DD],
    prepare: undiscovered(packed(ABC)),
    events: [stage => stage.put('acme', packed(ABCD))],
    there: [...KEYS, FOURTH],
  },
  {
    name: 'packed-key-removed',
    pairs: [WD, DW, DD],
    prepare: thenPut(packed(ABCD), packed(ABC), SURELY_DUE),
    there: KEYS,
    gone: [FOURTH],
  },
  {
    name: 'packed-record-deleted',
    isLarge: true,
    pairs: [WD, DD],
    prepare: begun(packed(ABC)),
    events: [stage => stage.deleteRecord(KEYS[1] ?? SINGLE)],
    there: KEYS,
  },
  { name: 'record-deleted', pairs: [WW, WD], prepare: begun(login), events: [FORGOTTEN] },
  { name: 'code-record-deleted', pairs: [WW, WD], prepare: begun(code), events: [FORGOTTEN], onlyCopy: true },

  { name: 'deleted', pairs: [WD, DW, DD], prepare: begun(login), events: [DELETED], there: [], gone: [SINGLE] },
  { name: 'deleted-restored', pairs: [WD, DW], prepare: begun(login), ...goneAndBack(DELETED, RESTORED) },
  {
    name: 'deleted-ended-restored',
    pairs: [WD, DW],
    prepare: begun(login),
    ...goneAndBack(DELETED, RESTORED, GRACE + minutes(1)),
  },
  {
    name: 'deleted-restored-meanwhile',
    isLarge: true,
    pairs: [WD, DD],
    prepare: begun(login),
    events: [DELETED, RESTORED],
  },
  {
    name: 'code-deleted-restored',
    pairs: [WD, DW],
    prepare: begun(code),
    ...goneAndBack(DELETED, RESTORED),
    onlyCopy: true,
  },
  { name: 'recreated', pairs: [WD, DW], prepare: begun(login), ...goneAndBack(ERASED, CREATED) },
  {
    name: 'recreated-meanwhile',
    pairs: [WD, DD],
    prepare: begun(login),
    events: [REPLACED],
  },

  {
    name: 'tokens-emptied',
    pairs: [WW, WD],
    prepare: begun(login),
    events: [stage => stage.emptyTokens()],
    restores: true,
  },
  { name: 'tokens-older', pairs: [WW, WD], ...renewed(login, 'tokens', 1) },
  { name: 'connections-one-older', pairs: [WW, WD], ...renewed(login, 'connections', 1) },
  { name: 'connections-five-older', pairs: [WW, WD], ...renewed(login, 'connections', 5) },
  {
    name: 'code-connections-older',
    pairs: [WW, WD],
    ...renewed(code, 'connections', 1),
    onlyCopy: true,
    losesOnlyCopy: true,
  },
  {
    name: 'code-connections-older-code-replaced',
    pairs: [WD, DW],
    // The old session is lost with the table; the new one must not be.
    prepare: async stage => {
      const { prepare, events } = renewed(code, 'connections', 1);
      await prepare(stage);
      for (const happens of events) happens();
    },
    events: [stage => stage.put('acme', { code: 'good-2' })],
    restores: true,
    onlyCopy: true,
  },
];

export const scenarios: readonly Scenario[] = rows.map(row => ({ there: [SINGLE], ...row }));
