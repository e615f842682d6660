import { type Granted, interpret, interpretFirstStep, type Outcome } from '../../lib/core/interpret.ts';
import type { Account, Grant, HttpReply, HttpRequest, Provider } from '../../lib/core/provider.ts';
import { type EpochMs, epochMs, type Milliseconds, plus } from '../../lib/core/types.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import { findProvider } from '../../lib/providers/index.ts';
import { type SimulatedAccount, simulatedAccount } from '../../local/simulators/accounts.ts';
import { madeUpAccount } from '../../local/simulators/generic/made-up.ts';
import { createSimulators, sendTo } from '../../local/simulators/index.ts';
import { seeded } from './seeded.ts';

const url = 'http://127.0.0.1:8080';

/** Simulators on a clock that only `pass` moves; of `defined`, the generic one. */
export const simulatorsOf = (
  accounts: readonly SimulatedAccount[],
  { scale = 1, defined }: { readonly scale?: number; readonly defined?: DefinedProvider } = {},
) => {
  let current = epochMs(Date.UTC(2026, 0, 1));
  const now = (): EpochMs => current;
  const world = { now, scale, random: seeded(1), url };
  const simulators = createSimulators(world, accounts, ...(defined ? [[defined]] : []));
  return {
    url,
    simulators,
    now,
    send: (request: HttpRequest): HttpReply => sendTo(simulators, url, request),
    pass: (duration: Milliseconds): void => {
      current = plus(current, duration);
    },
  };
};
export type Simulated = ReturnType<typeof simulatorsOf>;

/** A client of one account, some fields of its secret changed: it does what the product does, one call at a time. */
export const clientOf = (
  world: Simulated,
  simulated: SimulatedAccount,
  changes: Readonly<Record<string, unknown>> = {},
  provider: Provider | undefined = findProvider(simulated.provider),
): Client => {
  const opened = provider?.open({ ...simulated.fields, baseUrl: `${world.url}/${simulated.provider}`, ...changes });
  if (!provider || !opened?.ok) throw new Error(`no credentials of ${simulated.name}`);
  return new Client(world, provider, opened.account);
};

export class Client {
  readonly #world: Simulated;
  readonly provider: Provider;
  readonly account: Account;
  constructor(world: Simulated, provider: Provider, account: Account) {
    this.#world = world;
    this.provider = provider;
    this.account = account;
  }

  /** For `logIn` and `refresh`, if the provider wants a signature. */
  async sign(): Promise<string | undefined> {
    const { assertion } = this.account;
    return assertion && signAssertion(assertion, this.#world.now());
  }

  #exchange(grant: Grant, assertion: string | undefined) {
    return { provider: this.provider, account: this.account, grant, sentAt: this.#world.now(), assertion };
  }
  logIn(assertion?: string): Outcome {
    const exchange = this.#exchange('login', assertion);
    const reply = this.#world.send(this.account.logIn(assertion));
    if (!this.account.exchange) return interpret(exchange, reply);
    const step = interpretFirstStep(exchange, reply);
    return step.kind === 'next' ? interpret(exchange, this.#world.send(step.request)) : step;
  }
  refresh(refreshToken: string, assertion?: string): Outcome {
    if (!this.account.refresh) throw new Error('no refresh grant');
    const reply = this.#world.send(this.account.refresh(refreshToken, assertion));
    return interpret(this.#exchange('refresh', assertion), reply);
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
  const world = simulatorsOf([account, simulatedAccount(account.provider, 'another')], { scale });
  return { world, client: clientOf(world, account, changes) };
};
/** The same at the generic simulator of a provider. */
export const startGeneric = (provider: DefinedProvider, changes: Readonly<Record<string, unknown>> = {}, scale = 1) => {
  const account = madeUpAccount(provider, 'acme');
  const world = simulatorsOf([account, madeUpAccount(provider, 'another')], { scale, defined: provider });
  return { world, account, client: clientOf(world, account, changes, provider) };
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
