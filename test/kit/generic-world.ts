import { join } from 'node:path';
import { type Granted, interpret, interpretFirstStep, type Outcome } from '../../lib/core/interpret.ts';
import type { Account, Grant, HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { type EpochMs, epochMs, type Milliseconds, plus } from '../../lib/core/types.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { providersInFolder } from '../../lib/definition-files.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import { providers } from '../../lib/providers/index.ts';
import type { SimulatedAccount } from '../../local/simulators/accounts.ts';
import { madeUpAccount } from '../../local/simulators/generic/made-up.ts';
import { createSimulators, sendTo } from '../../local/simulators/index.ts';
import { strangeProviders } from '../local/strange-definitions.ts';

const url = 'http://127.0.0.1:8080';
const root = join(import.meta.dirname, '../..');

/** The built-in definitions, strange ones, those of the catalogue, and a user's own in `providers/`. */
export const allDefined: readonly DefinedProvider[] = [
  ...providers,
  ...strangeProviders,
  ...['catalogue', 'providers'].flatMap(folder => providersInFolder(join(root, folder))),
];

/** The generic simulator of one provider, on a clock that only `pass` moves, with two accounts. */
export const genericWorld = (provider: DefinedProvider, scale = 1) => {
  let now = epochMs(Date.UTC(2026, 0, 1));
  let drawn = 0;
  const accounts = ['acme', 'another'].map(name => madeUpAccount(provider, name));
  const random = () => {
    drawn += 1;
    return (drawn * 0.618034) % 1;
  };
  const simulators = createSimulators({ now: () => now, scale, random, url }, accounts, [provider]);
  const [account = madeUpAccount(provider, 'acme')] = accounts;
  return {
    account,
    provider,
    simulators,
    now: (): EpochMs => now,
    send: (request: HttpRequest): HttpReply => sendTo(simulators, url, request),
    pass: (duration: Milliseconds) => {
      now = plus(now, duration);
    },
  };
};
export type GenericWorld = ReturnType<typeof genericWorld>;

/** What the product does with the secret of an account, some of its fields changed. */
export class GenericClient {
  readonly #world: GenericWorld;
  readonly account: Account;

  constructor(world: GenericWorld, changes: SimulatedAccount['fields'] = {}) {
    this.#world = world;
    const { provider, account } = world;
    const opened = provider.open({ ...account.fields, baseUrl: `${url}/${provider.id}`, ...changes });
    if (!opened.ok) throw new Error(opened.problems.map(({ message }) => message).join('\n'));
    this.account = opened.account;
  }

  async sign(): Promise<string | undefined> {
    const { assertion } = this.account;
    return assertion && signAssertion(assertion, this.#world.now());
  }

  #exchange(grant: Grant, assertion: string | undefined) {
    const { provider, now } = this.#world;
    return { provider, account: this.account, grant, sentAt: now(), assertion };
  }

  async logIn(): Promise<Outcome> {
    const assertion = await this.sign();
    const exchange = this.#exchange('login', assertion);
    const reply = this.#world.send(this.account.logIn(assertion));
    if (!this.account.exchange) return interpret(exchange, reply);
    const step = interpretFirstStep(exchange, reply);
    return step.kind === 'next' ? interpret(exchange, this.#world.send(step.request)) : step;
  }

  async refresh(refreshToken = ''): Promise<Outcome> {
    if (!this.account.refresh) throw new Error('no refresh grant');
    const assertion = await this.sign();
    const reply = this.#world.send(this.account.refresh(refreshToken, assertion));
    return interpret(this.#exchange('refresh', assertion), reply);
  }

  /** The status of a call of the API with a token, as a consumer would make it. */
  use({ headers, baseUrl }: Pick<Granted, 'headers' | 'baseUrl'>): number {
    const reply = this.#world.send({ method: 'GET', url: `${baseUrl}/things`, headers });
    return reply.kind === 'answer' ? reply.status : 0;
  }
}

export const granted = (outcome: Outcome): Granted => {
  if (outcome.kind !== 'granted') throw new Error(`not granted: ${JSON.stringify(outcome)}`);
  return outcome;
};
