import { tickOf } from '../../lib/core/policy.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import type { ConnectionId } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { type SimulatedAccount, simulatedAccount, simulatedSecrets } from '../../local/simulators/accounts.ts';
import { createSimulators, sendTo } from '../../local/simulators/index.ts';
import { idOf } from './records.ts';
import { seeded } from './seeded.ts';
import { World } from './world.ts';

const URL = 'http://127.0.0.1:8080';

/** Replaces the simulator's answers, one per call; `undefined` lets one call through. */
export type Instead = (request: HttpRequest, simulated: (request: HttpRequest) => HttpReply) => HttpReply;

/**
 * A world with all built-in providers and their simulators. `change` alters the secret of the only account; `start`
 * refreshes it once.
 */
export const simulatedWorld = async (
  provider: string,
  options: { trait?: 'legacy' | 'restricted'; change?: object; start?: boolean; seed?: number } = {},
) => {
  const { trait, change = {}, start = true, seed = 1 } = options;
  const served = providers.find(({ id }) => id === provider);
  const account: SimulatedAccount = simulatedAccount(provider, 'acme', trait ? { trait } : {});
  const id: ConnectionId = idOf('acme', provider);
  const script: (Instead | undefined)[] = [];
  let simulators: ReturnType<typeof createSimulators> | undefined;
  const simulated = (request: HttpRequest): HttpReply => {
    if (!simulators) throw new Error('too early');
    return sendTo(simulators, URL, request);
  };
  const world = new World(
    providers,
    request => (script.shift() ?? ((_, through) => through(request)))(request, simulated),
    { seed, ...(served && { policy: { tick: tickOf(served) } }) },
  );
  simulators = createSimulators({ now: world.clock.now, scale: 1, random: seeded(seed + 1), url: URL }, [account]);
  const secret: Record<string, unknown> = { ...simulatedSecrets(URL, [account])[`${provider}/acme`], ...change };
  await world.add(id, secret);
  if (start) {
    await world.tick(provider);
    world.calls.length = 0;
    world.log.length = 0;
  }
  /** A consumer's call of the API with the published token; returns the status. */
  const use = async (path = '/things'): Promise<number> => {
    const { headers, baseUrl } = await world.token(id);
    const reply = simulated({ method: 'GET', url: `${baseUrl}${path}`, headers });
    return reply.kind === 'answer' ? reply.status : 0;
  };
  /** Lets time pass until just after the connection is due. */
  const whenDue = async (): Promise<void> => world.clock.set((await world.record(id)).dueAt);
  const tick = () => world.tick(provider);
  return { world, id, account, secret, script, simulated, use, whenDue, tick };
};
export type SimulatedWorld = Awaited<ReturnType<typeof simulatedWorld>>;
