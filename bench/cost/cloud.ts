import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import middy from '@middy/core';
import { apiHandler } from '../../functions/api/handler.ts';
import { refreshHandler } from '../../functions/refresh/handler.ts';
import { watchHandler } from '../../functions/watch/handler.ts';
import { connectionTable } from '../../lib/aws/connection-table.ts';
import { eventBus } from '../../lib/aws/events.ts';
import { limitTable } from '../../lib/aws/limit-table.ts';
import { loginTable } from '../../lib/aws/login-table.ts';
import { secretsManager } from '../../lib/aws/secrets.ts';
import { sessionTable } from '../../lib/aws/session-table.ts';
import { tokenTable } from '../../lib/aws/token-table.ts';
import { secretPrefixOf } from '../../lib/core/deployment.ts';
import type { Health, ProviderPace } from '../../lib/core/health.ts';
import { defaultPolicy, type Policy } from '../../lib/core/policy.ts';
import type { HttpReply, HttpRequest, Provider } from '../../lib/core/provider.ts';
import { type EpochMs, plus, providerOf } from '../../lib/core/types.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import { mailing } from '../../lib/observe/mail.ts';
import {
  brokenRecord,
  errorOf,
  logDiscovery,
  powertoolsObserver,
  publishHealth,
  publishing,
  unsentNews,
} from '../../lib/observe/powertools.ts';
import { publishingTransitions } from '../../lib/observe/transitions.ts';
import { CredentialCache } from '../../lib/refresh/credentials.ts';
import type { RefreshAnswer, RefreshRequest } from '../../lib/refresh/demand.ts';
import { Fingerprints } from '../../lib/refresh/fingerprints.ts';
import { Logins } from '../../lib/refresh/logins.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import type { Loop } from '../../test/simulation/loop.ts';
import { requestBytes } from './answers.ts';
import { COLD_START, cpu, ENVIRONMENT, HANDSHAKE_BYTES, network, shareOf } from './durations.ts';
import { Environment } from './environment.ts';
import { meteredInstruments, type OnTrouble } from './instruments.ts';
import type { Meter } from './meter.ts';
import type { MeteredSecrets } from './secret-store.ts';
import type { MeteredTables } from './tables.ts';
import type { TemplateFunction, TemplateResources } from './template.ts';

export interface MeteredCloudParts {
  readonly loop: Loop;
  readonly meter: Meter;
  readonly deployed: TemplateResources;
  readonly tables: MeteredTables;
  readonly secrets: MeteredSecrets;
  readonly providers: readonly Provider[];
  /** The answers of each provider. */
  readonly answers: ReadonlyMap<string, (request: HttpRequest, now: EpochMs) => HttpReply>;
  readonly onTrouble: OnTrouble;
  readonly onHealth: (health: Health) => void;
}

type Handler = (event: unknown, context: ReturnType<Environment['context']>) => unknown;

interface Warm {
  readonly environment: Environment;
  readonly handler: Handler;
}

const DEPLOYMENT = 'token-refresher';
const PREFIX = secretPrefixOf(DEPLOYMENT);
const GIGABYTE = 1024 ** 3;
/** Real timers have nothing to do with virtual time. */
const NO_TIMER = { timeoutEarlyInMillis: 0 } as const;

/** The account: the functions of the template with their real handlers, on virtual time. */
export class MeteredCloud {
  readonly #parts: MeteredCloudParts;
  readonly #pools = new Map<string, Warm[]>();
  #serial = 0;

  constructor(parts: MeteredCloudParts) {
    this.#parts = parts;
  }

  /** One invocation, in a free environment or a new one. Its time is billed per millisecond. */
  async invoke(fn: TemplateFunction, event: unknown): Promise<unknown> {
    const { loop, meter } = this.#parts;
    const { environment, handler, isNew } = this.#warm(fn);
    environment.busy = true;
    meter.add('invocations');
    const startedAt = loop.now;
    await environment.spend(cpu.invocation, 0);
    try {
      return await handler(event, environment.context(plus(startedAt, fn.timeout)));
    } finally {
      environment.busy = false;
      const billed = Math.ceil(loop.now - startedAt) + (isNew ? COLD_START : 0);
      meter.add('gigabyteSeconds', (billed / 1000) * (fn.memory / 1024));
    }
  }

  #warm(fn: TemplateFunction): Warm & { readonly isNew: boolean } {
    const { loop, meter } = this.#parts;
    const pool = (this.#pools.get(fn.id) ?? []).filter(
      ({ environment }) => environment.busy || loop.now - environment.born < ENVIRONMENT,
    );
    const idle = pool.find(({ environment }) => !environment.busy);
    if (idle) return { ...idle, isNew: false };
    const environment = new Environment(fn.id, { loop, meter, share: shareOf(fn.memory) });
    const warm = { environment, handler: this.#handler(fn, environment) };
    this.#pools.set(fn.id, [...pool, warm]);
    return { ...warm, isNew: true };
  }

  #handler(fn: TemplateFunction, environment: Environment): Handler {
    if (fn.kind === 'watch') return this.#watch(fn, environment);
    if (fn.kind === 'api') return this.#api(environment);
    const provider = this.#parts.providers.find(({ id }) => id === fn.environment.PROVIDER);
    if (!provider) throw new Error(`the template has ${fn.environment.PROVIDER}, which is not a provider`);
    return this.#refresh(fn, provider, environment);
  }

  #common(environment: Environment) {
    const { meter, tables, secrets, onTrouble } = this.#parts;
    const { clock } = environment;
    const { logger, metrics } = meteredInstruments(DEPLOYMENT, { meter, clock, onTrouble });
    const dynamodb = tables.client(environment);
    const onBroken = brokenRecord(logger, metrics);
    return {
      ...{ logger, metrics, clock, dynamodb },
      tokens: tokenTable(dynamodb, 'Tokens'),
      connections: connectionTable(dynamodb, 'Connections', onBroken),
      secrets: secretsManager(secrets.client(environment)),
    };
  }

  /** As in functions/refresh/index.ts. */
  #refresh({ environment: { PACE } }: TemplateFunction, provider: Provider, environment: Environment) {
    const { loop } = this.#parts;
    const { logger, metrics, clock, dynamodb, tokens, connections, secrets } = this.#common(environment);
    const claimId = () => `00000000-0000-4000-8000-${String(this.#serial++).padStart(12, '0')}`;
    const policy = policyOf(PACE);
    const logins = loginTable(dynamodb, 'Connections');
    const bus = eventBus(this.#bus(environment), 'bus');
    const transitions = publishingTransitions(powertoolsObserver(logger, metrics, clock), clock, bus, error =>
      logger.error('state changes not published', errorOf(error)),
    );
    const deps = {
      ...{ clock, tokens, connections, policy, claimId },
      random: () => 0.5,
      logins: new Logins({ clock, store: logins, policy, tryId: claimId }),
      limiter: leasingRateLimiter(limitTable(dynamodb, 'Connections'), clock),
      sessions: sessionTable(dynamodb, 'Connections'),
      credentials: new CredentialCache(secrets, new Fingerprints(logins, claimId), PREFIX),
      sign: signAssertion,
      send: async (request: HttpRequest) => {
        this.#parts.meter.add('transferGigabytes', (requestBytes(request) + HANDSHAKE_BYTES) / GIGABYTE);
        await environment.spend(cpu.provider, network.provider);
        return this.#answer(provider, request, loop.now);
      },
      observer: transitions.observer,
    };
    return middy(NO_TIMER)
      .use(injectLambdaContext(logger))
      .use(publishing(metrics))
      .use(transitions.middleware)
      .handler(refreshHandler(deps, provider)) as Handler;
  }

  #answer(provider: Provider, request: HttpRequest, now: EpochMs): HttpReply {
    const answer = this.#parts.answers.get(provider.id);
    if (!answer) throw new Error(`nobody answers for ${provider.id}`);
    return answer(request, now);
  }

  /** As in functions/watch/index.ts. */
  #watch({ environment: { PACES = '', CONNECTIONS_PER_SECRET } }: TemplateFunction, environment: Environment) {
    const { logger, metrics, clock, tokens, connections, secrets } = this.#common(environment);
    const paces: Readonly<Record<string, ProviderPace>> = JSON.parse(PACES);
    const providers = Object.keys(paces).map(id => ({ id }));
    const publish = publishHealth(logger, metrics);
    const deps = {
      ...{ clock, tokens, connections, secrets, providers },
      paces: new Map(Object.entries(paces)),
      prefix: PREFIX,
      connectionsPerSecret: Number(CONNECTIONS_PER_SECRET),
      publish: async () => {},
      sendMail: mailing(() => this.#mail(environment), { name: DEPLOYMENT, runbook: 'https://example.com/runbook' }),
      observer: {
        health: (health: Health) => {
          publish(health);
          this.#parts.onHealth(health);
        },
        newsFailed: unsentNews(logger, metrics),
      },
    };
    return middy(NO_TIMER)
      .use(injectLambdaContext(logger))
      .use(publishing(metrics))
      .handler(watchHandler(deps, report => logDiscovery(logger, metrics, report))) as Handler;
  }

  /** As in functions/api/index.ts. */
  #api(environment: Environment): Handler {
    const { deployed } = this.#parts;
    const { logger, metrics, clock, tokens, connections } = this.#common(environment);
    const failed = (error: unknown) => logger.error('request failed', errorOf(error));
    const policies = deployed.functions.flatMap(({ environment: { PROVIDER, PACE } }) =>
      PROVIDER === undefined ? [] : [[PROVIDER, policyOf(PACE)] as const],
    );
    const deps = {
      ...{ clock, tokens, connections },
      providers: new Map(policies),
      refresh: (request: RefreshRequest) => this.#refreshOne(request),
      refreshFailed: failed,
    };
    return apiHandler(deps, failed).use(injectLambdaContext(logger)).use(publishing(metrics)) as unknown as Handler;
  }

  #refreshOne(request: RefreshRequest): Promise<RefreshAnswer> {
    const { functions } = this.#parts.deployed;
    const fn = functions.find(({ environment }) => environment.PROVIDER === providerOf(request.connection));
    if (!fn) throw new Error(`no function refreshes ${request.connection}`);
    return this.invoke(fn, { request }) as Promise<RefreshAnswer>;
  }

  async #mail(environment: Environment): Promise<void> {
    const { meter } = this.#parts;
    meter.add('messages');
    meter.add('mails');
    environment.useKey('topic');
    await environment.call('item', 1);
  }

  #bus(environment: Environment): EventBridgeClient {
    const send = async ({ input }: { readonly input: { readonly Entries: readonly unknown[] } }) => {
      this.#parts.meter.add('events', input.Entries.length);
      await environment.call('item', input.Entries.length);
      return { FailedEntryCount: 0 };
    };
    return { send } as unknown as EventBridgeClient;
  }
}

/** The policy of a provider, from the environment of its function. */
const policyOf = (pace = ''): Policy => ({ ...defaultPolicy, ...JSON.parse(pace) });
