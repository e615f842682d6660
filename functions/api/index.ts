import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { dynamodbClient } from '../../lib/aws/clients.ts';
import { askByLambda, lambdaClient } from '../../lib/aws/invoke.ts';
import { brokenRecord, errorOf, instruments, publishing } from '../../lib/observe/powertools.ts';
import { environmentOf } from '../environment.ts';
import { stores } from '../wiring.ts';
import { apiHandler } from './handler.ts';

const env = environmentOf('api', process.env);
const { logger, metrics } = instruments();
const failed = (error: unknown) => logger.error('request failed', errorOf(error));
const ask = askByLambda(lambdaClient(process.env), env.REFRESH_FUNCTIONS);
const deps = {
  ...stores({
    dynamodb: dynamodbClient(process.env),
    tables: { tokens: env.TOKENS_TABLE, connections: env.CONNECTIONS_TABLE },
    onBroken: brokenRecord(logger, metrics),
  }),
  providers: Object.keys(env.REFRESH_FUNCTIONS),
  ask,
  askFailed: failed,
};

export const handler = apiHandler(deps, failed).use(injectLambdaContext(logger)).use(publishing(metrics));
