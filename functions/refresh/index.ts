import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { dynamodbClient, secretsManagerClient } from '../../lib/aws/clients.ts';
import { secretsManager } from '../../lib/aws/secrets.ts';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { sendHttp } from '../../lib/http/send.ts';
import { brokenRecord, instruments, powertoolsObserver, publishing } from '../../lib/observe/powertools.ts';
import { findProvider } from '../../lib/providers/index.ts';
import { environmentOf } from '../environment.ts';
import { refresherDeps } from '../wiring.ts';
import { refreshHandler } from './handler.ts';

const env = environmentOf('refresh', process.env);
const provider = findProvider(env.PROVIDER);
if (!provider) throw new Error(`PROVIDER is "${env.PROVIDER}", which is no provider`);
const { logger, metrics } = instruments(provider.id);
const deps = refresherDeps({
  dynamodb: dynamodbClient(process.env),
  tables: { tokens: env.TOKENS_TABLE, connections: env.CONNECTIONS_TABLE },
  secrets: secretsManager(secretsManagerClient(process.env)),
  policy: defaultPolicy,
  send: sendHttp,
  observer: powertoolsObserver(logger, metrics),
  onBroken: brokenRecord(logger, metrics),
});

export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(publishing(metrics))
  .handler(refreshHandler(deps, provider));
