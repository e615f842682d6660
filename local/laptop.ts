import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { type ApiEvent, apiHandler } from '../functions/api/handler.ts';
import { type Invocation, refreshHandler } from '../functions/refresh/handler.ts';
import { refresherDeps, stores } from '../functions/wiring.ts';
import type { ConnectionView } from '../lib/api/answers.ts';
import { connectionView } from '../lib/api/views.ts';
import { createClients } from '../lib/aws/clients.ts';
import { secretsManager } from '../lib/aws/secrets.ts';
import { createTables } from '../lib/aws/tables.ts';
import { defaultPolicy, policyOf, scaled, tickOf, WATCH_EVERY } from '../lib/core/policy.ts';
import type { Provider } from '../lib/core/provider.ts';
import { CONNECTIONS_PER_SECRET } from '../lib/core/secret.ts';
import { allShards } from '../lib/core/shard.ts';
import { type Connection, type Milliseconds, minutes, providerOf } from '../lib/core/types.ts';
import { allRecords, type DiscoverReport, discover } from '../lib/discovery/discover.ts';
import { createSend } from '../lib/http/send.ts';
import { listShards } from '../lib/listing.ts';
import { providers as builtIn } from '../lib/providers/index.ts';
import type { RefreshAnswer, RefreshRequest } from '../lib/refresh/demand.ts';
import type { Observer } from '../lib/refresh/sweep.ts';
import type { Aws } from './aws/open.ts';
import type { Options } from './options.ts';
import { SECRET_PREFIX, type Source } from './sources.ts';
import { UsageError } from './usage-error.ts';

/** The functions of the product with the SDK's real clients, in this process instead of in Lambda. */
export interface Laptop {
  /** The interval of each provider's schedule, and of the watch. */
  readonly ticks: readonly { readonly every: Milliseconds; run(): Promise<unknown> }[];
  api(event: ApiEvent): Promise<APIGatewayProxyStructuredResultV2>;
  /** One tick of everything. */
  tickAll(): Promise<void>;
  connections(): Promise<Connection[]>;
  views(): Promise<ConnectionView[]>;
  /** Why AWS takes no writes at the moment, if known. */
  refusal(): string | undefined;
  close(): Promise<void>;
}

export interface LaptopLog extends Observer {
  discovery(report: DiscoverReport): void;
  error(error: unknown): void;
}

const TABLES = { tokens: 'token-refresher-tokens', connections: 'token-refresher-connections' };
/** The longest time of a Lambda function here. */
const invocation: Invocation = { getRemainingTimeInMillis: () => minutes(5) };
/** No handler reads the context of Lambda. */
const noContext = {} as Context;

/** The environment of a laptop. */
export interface Surroundings {
  readonly source: Source;
  readonly aws: Aws;
  /** Providers besides the built-in ones. */
  readonly added: readonly Provider[];
}

export const openLaptop = async (
  options: Options,
  { source, aws, added }: Surroundings,
  log: LaptopLog,
): Promise<Laptop> => {
  const providers = [...builtIn, ...added];
  const clients = createClients(process.env, aws.overrides);
  await createTables(clients.dynamodb, TABLES).catch((error: unknown) => {
    const refused = aws.refusal();
    if (refused !== undefined) throw new UsageError(`--data: ${options.data} takes no writes: ${refused}.`);
    if (options.data !== undefined) {
      throw new UsageError(
        `--data: the database in ${options.data} is damaged or belongs to something else: give another folder.`,
      );
    }
    if (options.endpoint === undefined) throw error;
    throw new UsageError(
      `--endpoint: ${aws.name} cannot be used (${reasonOf(error)}): check that an AWS answers there.`,
    );
  });

  // Real providers keep their real rate limits: nothing goes faster.
  const speed = source.simulated ? options.speed : 1;
  const fast = providers.map(provider => faster(provider, speed));
  const parts = { dynamodb: clients.dynamodb, tables: TABLES, onBroken: log.error };
  const secrets = secretsManager(clients.secretsManager);
  const policies = new Map(providers.map(each => [each.id, scaled(policyOf(each), speed)]));
  const shared = stores(parts);
  const refreshers = new Map(
    fast.map(provider => {
      const policy = policies.get(provider.id) ?? defaultPolicy;
      const deps = refresherDeps({
        ...parts,
        secrets,
        prefix: SECRET_PREFIX,
        policy,
        send: createSend('any'),
        observer: log,
      });
      return [provider.id, refreshHandler(deps, provider)];
    }),
  );
  const refreshOne = async (request: RefreshRequest): Promise<RefreshAnswer> => {
    const answer = await refreshers.get(providerOf(request.connection))?.({ request }, invocation);
    return answer && 'result' in answer ? answer : { result: 'unknown' };
  };
  const api = apiHandler({ ...shared, providers: policies, refresh: refreshOne, refreshFailed: log.error }, log.error);
  const deps = {
    ...shared,
    secrets,
    providers: fast,
    prefix: SECRET_PREFIX,
    connectionsPerSecret: CONNECTIONS_PER_SECRET,
  };
  const discoverAll = async () => {
    await source.store(clients.secretsManager);
    log.discovery(await discover(deps, await allRecords(deps)));
  };
  // First discover: otherwise the API would answer that connections do not exist.
  await discoverAll();
  const refresh = (provider: Provider) => refreshers.get(provider.id)?.({ shards: [...allShards] }, invocation);
  const list = async () => {
    const all = await listShards(shared.connections, fast, allShards);
    const listed = all.filter(each => each.retiredAt === undefined);
    const read = await Promise.all(listed.map(({ connection }) => shared.connections.get(connection)));
    const found = read.filter(each => each !== undefined);
    return found.toSorted((a, b) => (a.connection < b.connection ? -1 : 1));
  };

  return {
    ticks: [
      { every: WATCH_EVERY / options.speed, run: discoverAll },
      ...providers.map((provider, n) => ({
        every: tickOf(provider) / options.speed,
        run: async () => refresh(fast[n] ?? provider),
      })),
    ],
    api: event => api(event, noContext),
    tickAll: async () => {
      await discoverAll();
      await Promise.all(fast.map(refresh));
    },
    connections: list,
    refusal: aws.refusal,
    views: async () => {
      const now = shared.clock.now();
      return (await list()).map(each => connectionView(each, now));
    },
    close: async () => {
      clients.dynamodb.destroy();
      clients.secretsManager.destroy();
    },
  };
};

/** An error's message, unless it comes from an answer, which could quote anything. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown reason';
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : error.name === 'Error' ? error.message : error.name;
};

/** The provider with its times divided by the speed. */
const faster = (provider: Provider, speed: number): Provider => ({
  ...provider,
  lifetime: provider.lifetime / speed,
  ...(provider.renewWithin !== undefined && { renewWithin: provider.renewWithin / speed }),
  ...(provider.rateLimit && { rateLimit: { ...provider.rateLimit, per: provider.rateLimit.per / speed } }),
});
