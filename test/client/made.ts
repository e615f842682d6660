import type { ClientEnvironment } from '../../lib/client/environment.ts';
import type { CurrentToken, SourceOptions, TokenSource } from '../../lib/client/token.ts';

export const CLIENT_START = Date.UTC(2026, 0, 1);
export const ACME = 'poweroffice-v2/acme';

/** An invented token; `n` is in its access token, and a later one has a larger `issuedAt`. */
export const made = (n: number, change: Partial<CurrentToken> = {}): CurrentToken => ({
  connection: ACME,
  accessToken: `invented-${n}`,
  tokenType: 'Bearer',
  issuedAt: CLIENT_START + n,
  expiresAt: CLIENT_START + n + 1_200_000,
  headers: { Authorization: `Bearer invented-${n}`, 'Ocp-Apim-Subscription-Key': 'invented-key' },
  baseUrl: 'http://127.0.0.1:9/v2',
  ...change,
});

/** A process whose time and chance the test sets; no deadline is ever over unless `expire` is called. */
export const madeEnvironment = (env: ClientEnvironment['env'] = {}) => {
  const state = { now: CLIENT_START, chance: 0 };
  const deadlines: { readonly patience: number; readonly controller: AbortController }[] = [];
  const environment: ClientEnvironment = {
    now: () => state.now,
    random: () => state.chance,
    deadline: patience => {
      const controller = new AbortController();
      deadlines.push({ patience, controller });
      return controller.signal;
    },
    env,
  };
  const expire = () => {
    for (const { controller } of deadlines) controller.abort(new DOMException('it took too long', 'TimeoutError'));
  };
  const pass = (duration: number) => {
    state.now += duration;
  };
  return { ...environment, environment, state, deadlines, expire, pass };
};

/** A source whose answers the test gives one by one. */
export const steppedSource = () => {
  const fetches: (SourceOptions & { answer(token: CurrentToken): void; fail(error: Error): void })[] = [];
  const renewed: { refused: CurrentToken; answer(token: CurrentToken | undefined): void; fail(error: Error): void }[] =
    [];
  const source: TokenSource = {
    get: (_, options) =>
      new Promise((answer, fail) => {
        fetches.push({ ...options, answer, fail });
      }),
    renew: refused =>
      new Promise((answer, fail) => {
        renewed.push({ refused, answer, fail });
      }),
  };
  return { source, fetches, renewed };
};
