import { jsonObject } from '../../lib/core/jwt.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';

type Answer = Extract<HttpReply, { kind: 'answer' }>;

/** So many wrong logins in a row lock an account. */
const WRONG = 5;

/** Providers lock the account of a user after five wrong logins in a row. From then on they refuse each of its logins. */
export class Locks {
  readonly #onLock: (provider: string) => void;
  readonly #wrong = new Map<string, number>();

  constructor(onLock: (provider: string) => void) {
    this.#onLock = onLock;
  }

  /** The provider’s answer to a request: `handle` gives the one without locks. */
  answer(provider: string, request: HttpRequest, handle: () => Answer): Answer {
    const user = userIn(request);
    if (user === undefined) return handle();
    const key = `${provider} ${user}`;
    const before = this.#wrong.get(key) ?? 0;
    if (before >= WRONG) return locked;
    const reply = handle();
    const isWrong = reply.status >= 400 && jsonObject(reply.body)?.error === 'invalid_grant';
    if (isWrong) this.#wrong.set(key, before + 1);
    else if (reply.status < 300) this.#wrong.delete(key);
    if (isWrong && before + 1 === WRONG) this.#onLock(provider);
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
