import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { dynamodbClient } from '../../lib/aws/clients.ts';
import { lambdaClient, refreshByLambda } from '../../lib/aws/invoke.ts';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { brokenRecord, errorOf, instruments, publishing } from '../../lib/observe/powertools.ts';
import { environmentOf } from '../environment.ts';
import { stores } from '../wiring.ts';
import { apiHandler } from './handler.ts';

const env = environmentOf('api', process.env);
const { logger, metrics } = instruments(env.DEPLOYMENT);
const failed = (error: unknown) => logger.error('request failed', errorOf(error));
const refreshers = Object.entries(env.REFRESHERS);
const functions = new Map(refreshers.map(([provider, { functionName }]) => [provider, functionName]));
const deps = {
  ...stores({
    dynamodb: dynamodbClient(process.env),
    tables: { tokens: env.TOKENS_TABLE, connections: env.CONNECTIONS_TABLE },
    onBroken: brokenRecord(logger, metrics),
  }),
  providers: new Map(
    refreshers.map(([provider, { functionName: _, ...pace }]) => [provider, { ...defaultPolicy, ...pace }]),
  ),
  refresh: refreshByLambda(lambdaClient(process.env), functions),
  refreshFailed: failed,
};

export const handler = apiHandler(deps, failed).use(injectLambdaContext(logger)).use(publishing(metrics));
