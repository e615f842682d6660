import { type Granted, interpret, interpretFirstStep, type Outcome } from '../../lib/core/interpret.ts';
import type { Account, Grant, HttpReply, HttpRequest, Provider } from '../../lib/core/provider.ts';
import { type EpochMs, epochMs, type Milliseconds, plus } from '../../lib/core/types.ts';
import { findProvider } from '../../lib/providers/index.ts';
import { type SimulatedAccount, simulatedAccount } from '../../local/simulators/accounts.ts';
import { createSimulators, sendTo } from '../../local/simulators/index.ts';

const url = 'http://127.0.0.1:8080';

/** A reproducible [0, 1) (a linear congruential generator, with the constants of Numerical Recipes). */
const randomFrom = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};

/** Simulators on a clock that only `pass` moves, and what a client does with them. */
export const simulatedWorld = (accounts: readonly SimulatedAccount[], scale = 1) => {
  let now = epochMs(Date.UTC(2026, 0, 1));
  const world = { now: (): EpochMs => now, scale, random: randomFrom(1), url };
  const simulators = createSimulators(world, accounts);
  const send = (request: HttpRequest) => sendTo(simulators, url, request);
  return {
    url,
    simulators,
    send,
    now: world.now,
    pass: (duration: Milliseconds) => {
      now = plus(now, duration);
    },
  };
};
export type SimulatedWorld = ReturnType<typeof simulatedWorld>;

/** A client of one account. */
export const clientOf = (world: SimulatedWorld, simulated: SimulatedAccount, changes: Record<string, unknown> = {}) => {
  const provider = findProvider(simulated.provider);
  const opened = provider?.open({ ...simulated.fields, baseUrl: `${world.url}/${simulated.provider}`, ...changes });
  if (!provider || !opened?.ok) throw new Error(`no credentials of ${simulated.name}`);
  return new Client(world, provider, opened.account);
};

export class Client {
  readonly #world: SimulatedWorld;
  readonly provider: Provider;
  readonly account: Account;
  constructor(world: SimulatedWorld, provider: Provider, account: Account) {
    this.#world = world;
    this.provider = provider;
    this.account = account;
  }

  #exchange(grant: Grant) {
    return { provider: this.provider, account: this.account, grant, sentAt: this.#world.now() };
  }
  logIn(): Outcome {
    const reply = this.#world.send(this.account.logIn());
    if (!this.account.exchange) return interpret(this.#exchange('login'), reply);
    const step = interpretFirstStep(this.#exchange('login'), reply);
    return step.kind === 'next' ? interpret(this.#exchange('login'), this.#world.send(step.request)) : step;
  }
  refresh(refreshToken: string): Outcome {
    if (!this.account.refresh) throw new Error('no refresh grant');
    return interpret(this.#exchange('refresh'), this.#world.send(this.account.refresh(refreshToken)));
  }
  /** The status of a call of the API with a token, as a consumer would make it. */
  use({ headers, baseUrl }: Pick<Granted, 'headers' | 'baseUrl'>, path = '/things'): number {
    return statusOf(this.#world.send({ method: 'GET', url: `${baseUrl}${path}`, headers }));
  }
}

export const statusOf = (reply: HttpReply): number => (reply.kind === 'answer' ? reply.status : 0);

export const granted = (outcome: Outcome): Granted => {
  if (outcome.kind !== 'granted') throw new Error(`not granted: ${JSON.stringify(outcome)}`);
  return outcome;
};

export const refreshTokenOf = ({ refreshToken }: Granted): string => {
  if (refreshToken === undefined) throw new Error('no refresh token');
  return refreshToken;
};

export const start = (account: SimulatedAccount, changes: Record<string, unknown> = {}, scale = 1) => {
  const world = simulatedWorld([account, simulatedAccount(account.provider, 'another')], scale);
  return { world, client: clientOf(world, account, changes) };
};
/** What the simulator answers to a request that differs from the right one. */
export const sendingInstead = (account: SimulatedAccount, change: (right: HttpRequest) => HttpRequest) => {
  const { world, client } = start(account);
  return world.send(change(client.account.logIn()));
};
export const bodyOf = (reply: HttpReply) => (reply.kind === 'answer' ? JSON.parse(reply.body) : undefined);
export const withForm = (changes: Record<string, string>) => (right: HttpRequest) => {
  const form = new URLSearchParams(right.body);
  for (const [field, value] of Object.entries(changes)) form.set(field, value);
  return { ...right, body: form.toString() };
};
export const withHeaders = (changes: Record<string, string>) => (right: HttpRequest) => ({
  ...right,
  headers: { ...right.headers, ...changes },
});
