import { jsonObject } from '../../lib/core/json.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { type EpochMs, hours, type Milliseconds, minutes } from '../../lib/core/types.ts';

type Answer = Extract<HttpReply, { kind: 'answer' }>;

/** This many wrong logins in a row, within half an hour, lock an account for as long. */
const WRONG = 5;
const LOCKED = minutes(30);
/** If every answer is lost, a wrong password cannot be noticed: then the fifth try must not come sooner than this. */
const SPREAD = hours(9);
/** A password that worked before is repeated more often: it is most likely right. */
const SPREAD_IF_GRANTED = LOCKED;

interface Login {
  readonly user: string;
  readonly password: unknown;
}

interface Wrong {
  /** The times of the last five in a row. */
  readonly at: readonly EpochMs[];
  /** Five of them must not come faster than this. */
  readonly spread: Milliseconds;
}

/** Providers lock the account of a user after five wrong logins in a row, and then refuse all of its logins. */
export class Locks {
  readonly #onLock: (provider: string) => void;
  readonly #now: () => EpochMs;
  readonly #wrong = new Map<string, Wrong>();
  /** The password that was granted last. */
  readonly #granted = new Map<string, unknown>();

  /** `onLock`: five wrong logins came faster than allowed. */
  constructor(now: () => EpochMs, onLock: (provider: string) => void) {
    this.#now = now;
    this.#onLock = onLock;
  }

  /** The provider’s answer to a request: `handle` gives the one without locks. */
  answer(provider: string, request: HttpRequest, handle: () => Answer): Answer {
    const login = loginIn(request);
    if (!login) return handle();
    const key = `${provider} ${login.user}`;
    const now = this.#now();
    const last = this.#lockedSince(key);
    if (last !== undefined) {
      if (now - last < LOCKED) return locked;
      this.#wrong.delete(key);
    }
    const reply = handle();
    const isWrong = reply.status >= 400 && jsonObject(reply.body)?.error === 'invalid_grant';
    if (reply.status < 300) {
      this.#wrong.delete(key);
      this.#granted.set(key, login.password);
    }
    if (!isWrong) return reply;
    const wrong = this.#wrong.get(key) ?? { at: [], spread: SPREAD_IF_GRANTED };
    const at = [...wrong.at, now].slice(-WRONG);
    const spread = this.#granted.get(key) === login.password ? wrong.spread : SPREAD;
    this.#wrong.set(key, { at, spread });
    if (lasted(at) < spread) this.#onLock(provider);
    return reply;
  }

  #lockedSince(key: string): EpochMs | undefined {
    const at = this.#wrong.get(key)?.at ?? [];
    return lasted(at) < LOCKED ? at.at(-1) : undefined;
  }
}

/** The time from the first of five to the last. */
const lasted = (at: readonly EpochMs[]): Milliseconds => {
  const [first = 0, ...rest] = at;
  return rest.length === WRONG - 1 ? (rest.at(-1) ?? 0) - first : Number.POSITIVE_INFINITY;
};

const locked: Answer = { kind: 'answer', status: 401, headers: {}, body: '{"error":"invalid_grant"}' };

/** A login with a password. Upper and lower case are the same user. */
const loginIn = ({ headers, body = '' }: HttpRequest): Login | undefined => {
  const form = new URLSearchParams(body);
  const json = jsonObject(body);
  const named = form.get('grant_type') === 'password' ? form.get('username') : undefined;
  const user = headers['x-auth-username'] ?? named ?? json?.login;
  if (typeof user !== 'string') return undefined;
  const password = headers['x-auth-password'] ?? form.get('password') ?? json?.password;
  return { user: user.trim().toLowerCase(), password };
};
