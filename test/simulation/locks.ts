import { jsonObject } from '../../lib/core/jwt.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { type EpochMs, hours, minutes } from '../../lib/core/types.ts';

type Answer = Extract<HttpReply, { kind: 'answer' }>;

/** So many wrong logins in a row lock an account, for half an hour. */
const WRONG = 5;
const LOCKED = minutes(30);
/** If every answer is lost, nobody knows of a wrong password: then the fifth try comes no sooner than this. */
const SPREAD = hours(9);

interface Wrong {
  readonly times: number;
  readonly first: EpochMs;
  readonly last: EpochMs;
}

/** Providers lock the account of a user after five wrong logins in a row, and refuse each of its logins then. */
export class Locks {
  readonly #onLock: (provider: string) => void;
  readonly #now: () => EpochMs;
  readonly #wrong = new Map<string, Wrong>();

  /** `onLock`: an account was locked within hours. */
  constructor(now: () => EpochMs, onLock: (provider: string) => void) {
    this.#now = now;
    this.#onLock = onLock;
  }

  /** The provider’s answer to a request: `handle` gives the one without locks. */
  answer(provider: string, request: HttpRequest, handle: () => Answer): Answer {
    const user = userIn(request);
    if (user === undefined) return handle();
    const key = `${provider} ${user}`;
    const now = this.#now();
    const before = this.#wrong.get(key);
    if (before && before.times >= WRONG) {
      if (now - before.last < LOCKED) return locked;
      this.#wrong.delete(key);
    }
    const reply = handle();
    const isWrong = reply.status >= 400 && jsonObject(reply.body)?.error === 'invalid_grant';
    const { times, first } = this.#wrong.get(key) ?? { times: 0, first: now };
    if (isWrong) this.#wrong.set(key, { times: times + 1, first, last: now });
    else if (reply.status < 300) this.#wrong.delete(key);
    if (isWrong && times + 1 === WRONG && now - first < SPREAD) this.#onLock(provider);
    return reply;
  }
}

const locked: Answer = { kind: 'answer', status: 401, headers: {}, body: '{"error":"invalid_grant"}' };

/** The user of a login with a password, however he is spelt. */
const userIn = ({ headers, body = '' }: HttpRequest): string | undefined => {
  const form = new URLSearchParams(body);
  const named = form.get('grant_type') === 'password' ? form.get('username') : undefined;
  const user = headers['x-auth-username'] ?? named ?? jsonObject(body)?.login;
  return typeof user === 'string' ? user.trim().toLowerCase() : undefined;
};
