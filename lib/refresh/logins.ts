import type { ErrorCode } from '../core/errors.ts';
import type { Outcome } from '../core/interpret.ts';
import {
  afterHolding,
  afterRefresh,
  afterTry,
  duringTry,
  heldBack,
  type LoginState,
  type LoginTry,
} from '../core/login.ts';
import type { Policy } from '../core/policy.ts';
import { type EpochMs, plus, seconds } from '../core/types.ts';
import type { Clock, LoginStore } from '../ports.ts';

/** Nothing was sent: there is no slot of the rate limit in time, or others are using the login. */
export type Postponed = { readonly kind: 'postponed'; readonly until: EpochMs; readonly code: ErrorCode };
export type CallOutcome = Outcome | Postponed;

interface LoginsDeps {
  readonly clock: Clock;
  readonly store: LoginStore;
  readonly policy: Pick<Policy, 'stands' | 'probe' | 'lease'>;
  /** Unique to one try. */
  readonly tryId: () => string;
}

/** Somebody has the login: asked again after so long. */
const POLL = seconds(0.5);
/** A run that cannot wait any longer is due again after so long. */
const LATER = seconds(5);

/** One try after the other, over all processes: the second knows what came of the first. */
export class Logins {
  readonly #deps: LoginsDeps;
  /** Those that this process is trying: it need not ask the store. */
  readonly #underway = new Set<string>();
  /** What came of tries that the store did not take: it still has what was noted before them. */
  readonly #unstored = new Map<string, { readonly noted: string; readonly known: LoginState }>();

  constructor(deps: LoginsDeps) {
    this.#deps = deps;
  }

  /**
   * Logs in, unless it is known that this login is wrong. Waits for its turn until `until`. `insists`: an operator wants
   * it, whatever is known; `onOverruled` is called if that makes a difference. Rejects as the store does.
   */
  async attempt(
    key: string,
    it: LoginTry,
    how: { until: EpochMs; insists: boolean; onOverruled: () => void; logIn: () => Promise<CallOutcome> },
  ): Promise<CallOutcome> {
    const { clock, store, policy } = this.#deps;
    const { until } = how;
    const id = this.#deps.tryId();
    if (!(await this.#isMyTurn(key, until))) return postponed(clock.now());
    try {
      const taken = await this.#take(key, id, until);
      if (!taken) return postponed(clock.now());
      const mine = this.#unstored.get(key);
      const state = mine?.noted === markOf(taken) ? mine.known : taken;
      this.#unstored.delete(key);
      let noted = taken;
      const giveBack = (known: LoginState) =>
        store.giveBack(key, id, known).catch(() => {
          this.#unstored.set(key, { noted: markOf(noted), known });
        });
      const held = heldBack(state, it, clock.now());
      if (held && !how.insists) {
        await giveBack(afterHolding(state, it, clock.now()));
        return held;
      }
      // Before the call: if what came of it cannot be stored, or nobody is left to do so, nobody else tries it at once.
      noted = duringTry(policy, state, it, clock.now());
      if (!(await store.note(key, id, noted))) return postponed(clock.now());
      if (held) how.onOverruled();
      const outcome = await how.logIn();
      await giveBack(outcome.kind === 'postponed' ? state : afterTry(policy, state, it, outcome, clock.now()));
      return outcome;
    } finally {
      this.#underway.delete(key);
    }
  }

  /** The provider takes requests of a connection again that it, or a firewall before it, rejected. Rejects as the store does. */
  async release(key: string, login: string): Promise<void> {
    const { clock, store, policy } = this.#deps;
    const id = this.#deps.tryId();
    const at = clock.now();
    const state = await store.take(key, { id, at, until: plus(at, policy.lease) });
    if (state) await store.giveBack(key, id, afterRefresh(state, login, clock.now()));
  }

  async #isMyTurn(key: string, until: EpochMs): Promise<boolean> {
    while (this.#underway.has(key)) if (!(await this.#hasWaited(until))) return false;
    this.#underway.add(key);
    return true;
  }

  async #take(key: string, id: string, until: EpochMs): Promise<LoginState | undefined> {
    const { clock, store, policy } = this.#deps;
    for (;;) {
      const at = clock.now();
      const state = await store.take(key, { id, at, until: plus(at, policy.lease) });
      if (state || !(await this.#hasWaited(until))) return state;
    }
  }

  /** False if there is no time to wait. */
  async #hasWaited(until: EpochMs): Promise<boolean> {
    const { clock } = this.#deps;
    if (plus(clock.now(), POLL) > until) return false;
    await clock.sleep(POLL);
    return true;
  }
}

/** Tells one state from another. A store may change the order of fields. */
const markOf = ({ refused }: LoginState): string =>
  refused.map(({ fingerprint, code, times, at }) => [fingerprint, code, times, at].join(' ')).join();

const postponed = (now: EpochMs): CallOutcome => ({ kind: 'postponed', until: plus(now, LATER), code: 'login_in_use' });
