import { existsSync } from 'node:fs';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { providers } from '../../lib/providers/index.ts';
import { type SimulatedAccount, simulatedAccounts } from './accounts.ts';
import { genericSimulation } from './generic/index.ts';
import {
  FakeAuthServer,
  type SimulatedRequest,
  type SimulatedResponse,
  type Simulation,
  type SimulatorState,
  type SimulatorWorld,
} from './kit.ts';
import { json, pathOf } from './wire.ts';

/** The simulation in the provider's folder, for behaviour that its definition cannot describe. */
const ownSimulation = async (provider: DefinedProvider): Promise<Simulation | undefined> => {
  const file = new URL(`../../lib/providers/${provider.id}/simulator.ts`, import.meta.url);
  if (!existsSync(file)) return undefined;
  const loaded: { readonly simulation: Simulation } = await import(file.href);
  return loaded.simulation;
};

const simulations: ReadonlyMap<string, Simulation> = new Map(
  await Promise.all(
    providers.map(async provider => {
      const simulation = (await ownSimulation(provider)) ?? genericSimulation(provider);
      return [provider.id, simulation] as const;
    }),
  ),
);

export const simulatedProviders: readonly string[] = [...simulations.keys()];

/** Providers whose refresh tokens work once. */
export const rotatingProviders: ReadonlySet<string> = new Set(
  [...simulations].filter(([, { rotates }]) => rotates).map(([id]) => id),
);

/** A simulated provider: synchronous, in memory, and deterministic for a given world. */
export interface Simulator<State = SimulatorState> {
  /** Handles a request whose path is relative to the provider's base URL. */
  handle(request: SimulatedRequest): SimulatedResponse;
  /** Its whole state, as JSON. */
  readonly state: { get(): State; restore(state: State): void };
}

/** One provider's token endpoint. Every other path is its API, which accepts valid tokens with the right headers. */
export const createSimulator = (
  provider: string,
  world: SimulatorWorld,
  accounts: readonly SimulatedAccount[] = simulatedAccounts,
): Simulator => {
  const simulation = simulations.get(provider);
  if (!simulation) throw new Error(`There is no simulator of the provider "${provider}"`);
  return simulatorOf(provider, simulation, world, accounts);
};

const simulatorOf = (
  provider: string,
  simulation: Simulation,
  world: SimulatorWorld,
  accounts: readonly SimulatedAccount[],
): Simulator => {
  const server = new FakeAuthServer(provider, world, accounts);
  return {
    handle: request => answer(simulation, server, request),
    state: { get: () => server.state, restore: state => server.restore(state) },
  };
};

const answer = (simulation: Simulation, server: FakeAuthServer, request: SimulatedRequest): SimulatedResponse => {
  const stopped = simulation.gate?.(server, request);
  if (stopped) return stopped;
  const path = pathOf(request);
  const route = simulation.routes[`${request.method} ${path}`];
  if (route) return route(server, request);
  if (Object.keys(simulation.routes).some(known => known.endsWith(` ${path}`)))
    return json(405, { error: 'invalid_request' });
  const issued = simulation.admit(server, request);
  return issued ? json(200, { ok: true, account: issued.account, path }) : json(401, { error: 'invalid_token' });
};

/** All simulators at one address, each below `/<provider>`, and the generic one for each of the `defined` providers. */
export const createSimulators = (
  world: SimulatorWorld,
  accounts: readonly SimulatedAccount[] = simulatedAccounts,
  defined: readonly DefinedProvider[] = [],
): Simulator<Readonly<Record<string, SimulatorState>>> => {
  const generic = defined.map(provider => [provider.id, genericSimulation(provider)] as const);
  const all = new Map(
    [...simulations, ...generic].map(([id, simulation]) => [id, simulatorOf(id, simulation, world, accounts)]),
  );
  return {
    handle: request => {
      const [, provider = '', path = '/'] = /^\/([^/?]+)(.*)$/.exec(request.path) ?? [];
      return all.get(provider)?.handle({ ...request, path }) ?? json(404, { error: 'not_found' });
    },
    state: {
      get: () => Object.fromEntries([...all].map(([provider, { state }]) => [provider, state.get()])),
      restore: states => {
        for (const [provider, state] of Object.entries(states)) all.get(provider)?.state.restore(state);
      },
    },
  };
};

/** Sends a provider's request to simulators at `url`, without a network. */
export const sendTo = (simulators: Pick<Simulator, 'handle'>, url: string, request: HttpRequest): HttpReply => {
  if (!request.url.startsWith(`${url}/`)) return { kind: 'failed', code: 'network', sent: false };
  const headers = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]);
  const path = request.url.slice(url.length);
  const reply = simulators.handle({
    method: request.method,
    path,
    headers: Object.fromEntries(headers),
    body: request.body ?? '',
  });
  return { kind: 'answer', ...reply };
};
