import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { dynamodbClient, secretsManagerClient } from '../../lib/aws/clients.ts';
import { secretsManager } from '../../lib/aws/secrets.ts';
import { brokenRecord, instruments, publishing, reportDiscovery } from '../../lib/observe/powertools.ts';
import { providers } from '../../lib/providers/index.ts';
import { environmentOf } from '../environment.ts';
import { stores } from '../wiring.ts';
import { discoverHandler } from './handler.ts';

const env = environmentOf('discover', process.env);
const { logger, metrics } = instruments();
const deps = {
  ...stores({
    dynamodb: dynamodbClient(process.env),
    tables: { tokens: env.TOKENS_TABLE, connections: env.CONNECTIONS_TABLE },
    onBroken: brokenRecord(logger, metrics),
  }),
  secrets: secretsManager(secretsManagerClient(process.env)),
  providers: providers.filter(provider => env.PROVIDERS.includes(provider.id)),
  prefix: env.SECRET_PREFIX,
  connectionsPerSecret: env.CONNECTIONS_PER_SECRET,
};

export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(publishing(metrics))
  .handler(discoverHandler(deps, report => reportDiscovery(logger, metrics, report)));
