import { type ConnectionId, minutes, seconds } from '../../lib/core/types.ts';
import type { RowStage } from './stage.ts';
import { failWrite, killAt, type Victim } from './victims.ts';

/** Long enough for a slow machine to meet all faults and report them before a token comes near its end. */
export const DOUBT_LIFETIME = seconds(90);

/** A fault after which a refresh token that is the only copy of access is lost, or may be. */
export interface Doubt {
  readonly name: string;
  /** Spent: the provider accepted the refresh token, and the next one is lost. */
  readonly spent: boolean;
  /** The error code in the status after that. */
  readonly code: string;
  /** How a consumer finds out that the token ended. */
  readonly ends?: 'replayed near its end' | 'logged out';
  inflict(stage: RowStage, id: ConnectionId, victim: Victim): Promise<void>;
}

const killed = (
  when: 'before' | 'after',
  step: Parameters<typeof killAt>[3],
  spent: boolean,
  ends?: Doubt['ends'],
) => ({
  ...{ name: `kill-${when}-${step}`, spent, code: 'session_in_doubt', ...(ends && { ends }) },
  inflict: (stage: RowStage, id: ConnectionId, victim: Victim) => killAt(stage, victim, id, step, when, DOUBT_LIFETIME),
});

export const doubts: readonly Doubt[] = [
  killed('after', 'claim', false),
  killed('before', 'secret', false),
  killed('after', 'secret', false),
  killed('before', 'grant', false),
  killed('after', 'grant', true, 'replayed near its end'),
  killed('before', 'keep', true, 'logged out'),
  {
    ...{ name: 'hangs-up', spent: true, code: 'network', ends: 'logged out' },
    inflict: async (stage, id, { refresher }) => {
      await stage.behave(id, { lifetime: DOUBT_LIFETIME, hangsUp: true });
      await stage.force(refresher, id);
      if ((await stage.counts(id)).cut !== 1) throw new Error('no answer was cut off');
      await stage.behave(id, { lifetime: DOUBT_LIFETIME });
    },
  },
  {
    ...{ name: 'never-answers', spent: true, code: 'timeout', ends: 'replayed near its end' },
    inflict: async (stage, id, { refresher }) => {
      await stage.behave(id, { lifetime: DOUBT_LIFETIME, delay: { when: 'after', for: minutes(60) } });
      await stage.force(refresher, id);
      if ((await stage.counts(id)).waiting !== 1) throw new Error('no answer was waited for');
      await stage.behave(id, { lifetime: DOUBT_LIFETIME });
    },
  },
  {
    ...{ name: 'never-kept', spent: true, code: 'store_failed', ends: 'logged out' },
    inflict: (stage, id, victim) => failWrite(stage, victim, id, 'keep', 'refuseAll'),
  },
];
