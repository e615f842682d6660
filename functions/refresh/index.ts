import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { definition } from '#definition';
import { dynamodbClient, secretsManagerClient } from '../../lib/aws/clients.ts';
import { eventBridgeClient, eventBus } from '../../lib/aws/events.ts';
import { secretsManager } from '../../lib/aws/secrets.ts';
import { secretPrefixOf } from '../../lib/core/deployment.ts';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { providerFrom } from '../../lib/definition/provider.ts';
import { createSend } from '../../lib/http/send.ts';
import { brokenRecord, errorOf, instruments, powertoolsObserver, publishing } from '../../lib/observe/powertools.ts';
import { publishingTransitions } from '../../lib/observe/transitions.ts';
import { environmentOf } from '../environment.ts';
import { systemClock } from '../system.ts';
import { refresherDeps } from '../wiring.ts';
import { refreshHandler } from './handler.ts';

const env = environmentOf('refresh', process.env);
if (definition?.id !== env.PROVIDER) throw new Error(`PROVIDER is "${env.PROVIDER}", which is not defined here`);
const found = providerFrom(definition);
const rules = { hosts: env.HOSTS ?? [], ownBaseUrl: env.OWN_BASE_URL ?? true, loopback: false };
const provider = {
  ...found,
  hosts: [...found.hosts, ...rules.hosts],
  open: (secret: unknown) => found.open(secret, rules),
};
const { logger, metrics } = instruments(env.DEPLOYMENT);
const transitions = publishingTransitions(
  powertoolsObserver(logger, metrics, systemClock),
  systemClock,
  eventBus(eventBridgeClient(process.env), env.EVENT_BUS),
  error => logger.error('state changes not published', errorOf(error)),
);
const deps = refresherDeps({
  dynamodb: dynamodbClient(process.env),
  tables: { tokens: env.TOKENS_TABLE, connections: env.CONNECTIONS_TABLE },
  secrets: secretsManager(secretsManagerClient(process.env)),
  prefix: secretPrefixOf(env.DEPLOYMENT),
  policy: { ...defaultPolicy, ...env.PACE },
  send: createSend('public'),
  observer: transitions.observer,
  onBroken: brokenRecord(logger, metrics),
});

export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(publishing(metrics))
  .use(transitions.middleware)
  .handler(refreshHandler(deps, provider));
