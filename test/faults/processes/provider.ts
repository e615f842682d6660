import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs, hours, type Milliseconds } from '../../../lib/core/types.ts';
import { simulatedAccount } from '../../../local/simulators/accounts.ts';
import { createSimulator, type Simulator } from '../../../local/simulators/index.ts';
import type { SimulatedResponse } from '../../../local/simulators/kit.ts';
import { configuration, ready } from './parent.ts';

export interface ProviderConfiguration {
  readonly provider: string;
  /** The names of its customers. */
  readonly names: readonly string[];
}

/** How the provider treats one customer from now on. */
export interface Behaviour {
  readonly customer: string;
  /** The lifetime of its tokens. */
  readonly lifetime: Milliseconds;
  /** Sent instead of handling the request. */
  readonly status?: number;
  /** Waits before the request is handled, when nothing is spent yet, or after it, when everything is. */
  readonly delay?: { readonly when: 'before' | 'after'; readonly for: Milliseconds };
  /** Handles the request, and closes the connection instead of answering. */
  readonly hangsUp?: true;
}

/** The state of one customer. */
export interface Counts {
  readonly calls: number;
  /** Refresh tokens that it accepted and replaced. */
  readonly rotations: number;
  /** Refresh tokens that came again after they were redeemed. */
  readonly replays: number;
  /** Requests that wait at present. */
  readonly waiting: number;
  /** Requests that it refused, and answers that it sent late or never. */
  readonly refused: number;
  readonly late: number;
  readonly cut: number;
}

/** The differences between the two providers. */
interface Dialect {
  readonly tokenPath: string;
  /** The documented lifetime, which scales the simulator's time. */
  readonly lifetime: Milliseconds;
  customerOf(request: Received): string | null | undefined;
  refreshTokenOf(request: Received): string | null | undefined;
}
interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: URLSearchParams;
}
const dialects: Readonly<Record<string, Dialect>> = {
  powerepos: {
    tokenPath: '/authorisation/token',
    lifetime: hours(8),
    customerOf: ({ form }) => form.get('org_id'),
    refreshTokenOf: ({ form }) => form.get('refresh_token'),
  },
  ioffice: {
    tokenPath: '/external/api/oauth2/token',
    lifetime: hours(4),
    customerOf: ({ headers }) => headers['x-client-id'],
    refreshTokenOf: ({ headers }) => headers['x-refresh-token'],
  },
};

const { provider, names } = configuration<ProviderConfiguration>();
const dialect = dialects[provider];
if (!dialect) throw new Error(`there is no dialect of ${provider}`);
const behaviours = new Map<string, Behaviour>();
const counts = new Map<string, { -readonly [Count in keyof Counts]: number }>();
/** Separate from the simulator's own memory: counts must not depend on what it forgets. */
const redeemed = new Set<string>();
let lifetime = dialect.lifetime;

const countsOf = (customer: string) => {
  const known = counts.get(customer) ?? { calls: 0, rotations: 0, replays: 0, waiting: 0, refused: 0, late: 0, cut: 0 };
  counts.set(customer, known);
  return known;
};

const headersOf = ({ headers }: IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

const tokenRequest = async (
  simulator: Simulator,
  request: IncomingMessage,
  body: string,
): Promise<SimulatedResponse | undefined> => {
  const asked = { headers: headersOf(request), form: new URLSearchParams(body) };
  const customer = dialect.customerOf(asked) ?? '';
  const refreshToken = dialect.refreshTokenOf(asked) ?? '';
  const behaviour = behaviours.get(customer);
  const mine = countsOf(customer);
  mine.calls += 1;
  if (redeemed.has(refreshToken)) mine.replays += 1;
  if (behaviour?.status !== undefined) {
    mine.refused += 1;
    return { status: behaviour.status, headers: {}, body: '<h1>Not now</h1>' };
  }
  const wait = async (when: 'before' | 'after') => {
    if (behaviour?.delay?.when !== when) return;
    mine.waiting += 1;
    await sleep(behaviour.delay.for);
    mine.waiting -= 1;
    if (when === 'after') mine.late += 1;
  };
  await wait('before');
  const reply = handle(simulator, request, body, behaviour?.lifetime);
  if (reply.status === 200 && refreshToken !== '') {
    redeemed.add(refreshToken);
    mine.rotations += 1;
  }
  await wait('after');
  if (!behaviour?.hangsUp) return reply;
  mine.cut += 1;
  return undefined;
};

/** Codes for a person are valid for the documented time: a slow test must not lose them. */
const handle = (
  simulator: Simulator,
  request: IncomingMessage,
  body: string,
  lives: Milliseconds = dialect.lifetime,
): SimulatedResponse => {
  lifetime = lives;
  const { method = '', url = '/' } = request;
  return simulator.handle({ method, path: url.slice(`/${provider}`.length), headers: headersOf(request), body });
};

/** For the test only, in addition to what a provider offers. */
const admin = (simulator: Simulator, path: string, body: string): unknown => {
  if (path === '/admin/behave') {
    const behaviour: Behaviour = JSON.parse(body);
    behaviours.set(behaviour.customer, behaviour);
    return null;
  }
  if (path === '/admin/counts') return countsOf(body);
  return simulator.state.get().refreshTokens.some(([token, { spent }]) => token === body && !spent);
};

const serve = async (simulator: Simulator, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body = await text(request);
  const path = request.url ?? '/';
  if (path.startsWith('/admin/')) {
    response.writeHead(200).end(JSON.stringify(admin(simulator, path, body)));
    return;
  }
  const isToken = path === `/${provider}${dialect.tokenPath}`;
  const reply = await (isToken ? tokenRequest(simulator, request, body) : handle(simulator, request, body));
  if (reply) response.writeHead(reply.status, reply.headers).end(reply.body);
  else response.destroy();
};

const server = createServer().listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = {
    now: () => epochMs(Date.now()),
    random: Math.random,
    url,
    get scale() {
      return dialect.lifetime / lifetime;
    },
  };
  const accounts = names.map(name => simulatedAccount(provider, name));
  const simulator = createSimulator(provider, world, accounts);
  server.on('request', (request, response) => {
    // The caller may have been killed meanwhile.
    serve(simulator, request, response).catch(() => response.destroy());
  });
  ready(url);
});
