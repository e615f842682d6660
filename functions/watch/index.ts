import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { dynamodbClient, secretsManagerClient } from '../../lib/aws/clients.ts';
import { eventBridgeClient, eventBus } from '../../lib/aws/events.ts';
import { secretsManager } from '../../lib/aws/secrets.ts';
import { snsClient, topic } from '../../lib/aws/topic.ts';
import { secretPrefixOf } from '../../lib/core/deployment.ts';
import { mailing } from '../../lib/observe/mail.ts';
import {
  brokenRecord,
  instruments,
  logDiscovery,
  publishHealth,
  publishing,
  unsentNews,
} from '../../lib/observe/powertools.ts';
import { environmentOf } from '../environment.ts';
import { stores } from '../wiring.ts';
import { watchHandler } from './handler.ts';

const env = environmentOf('watch', process.env);
const { logger, metrics } = instruments(env.DEPLOYMENT);
const deps = {
  ...stores({
    dynamodb: dynamodbClient(process.env),
    tables: { tokens: env.TOKENS_TABLE, connections: env.CONNECTIONS_TABLE },
    onBroken: brokenRecord(logger, metrics),
  }),
  secrets: secretsManager(secretsManagerClient(process.env)),
  providers: Object.keys(env.PACES).map(id => ({ id })),
  paces: new Map(Object.entries(env.PACES)),
  prefix: secretPrefixOf(env.DEPLOYMENT),
  connectionsPerSecret: env.CONNECTIONS_PER_SECRET,
  publish: eventBus(eventBridgeClient(process.env), env.EVENT_BUS),
  sendMail: mailing(topic(snsClient(process.env), env.ALARM_TOPIC), { name: env.DEPLOYMENT, runbook: env.RUNBOOK }),
  observer: { health: publishHealth(logger, metrics), newsFailed: unsentNews(logger, metrics) },
};

export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(publishing(metrics))
  .handler(watchHandler(deps, report => logDiscovery(logger, metrics, report)));
