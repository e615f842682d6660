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

/** Nothing was sent: no rate-limit slot is free in time, or another process uses the login. */
export type Postponed = { readonly kind: 'postponed'; readonly until: EpochMs; readonly code: ErrorCode };
export type CallOutcome = Outcome | Postponed;

interface LoginsDeps {
  readonly clock: Clock;
  readonly store: LoginStore;
  readonly policy: Pick<Policy, 'stands' | 'probe' | 'lease'>;
  /** Unique to one try. */
  readonly tryId: () => string;
}

/** The polling interval while another process uses the login. */
const POLL = seconds(0.5);
/** A run that cannot wait any longer is due again after this time. */
const LATER = seconds(5);

/** Runs one try at a time, over all processes: the second one sees the outcome of the first. */
export class Logins {
  readonly #deps: LoginsDeps;
  /** The logins that this process is trying: no need to check the store. */
  readonly #underway = new Set<string>();
  /** Outcomes that the store did not take: it still holds the state from before the call. */
  readonly #unstored = new Map<string, { readonly noted: string; readonly known: LoginState }>();

  constructor(deps: LoginsDeps) {
    this.#deps = deps;
  }

  /**
   * Logs in, unless this login is known to be wrong. Waits for its turn until `until`. `insists`: an operator wants the
   * try in any case; `onOverruled` is called if that makes a difference. Rejects if the store does.
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
      // Noted before the call: if the outcome cannot be stored, or this process crashes, no other process tries it at
      // once.
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

  /**
   * Called when the provider accepts requests again after it, or a firewall, rejected them. Rejects if the store does.
   */
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

/** Identifies a state. A store may change the order of its fields. */
const markOf = ({ refused }: LoginState): string =>
  refused.map(({ fingerprint, code, times, at }) => [fingerprint, code, times, at].join(' ')).join();

const postponed = (now: EpochMs): CallOutcome => ({ kind: 'postponed', until: plus(now, LATER), code: 'login_in_use' });
