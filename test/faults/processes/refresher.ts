import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { refreshHandler } from '../../../functions/refresh/handler.ts';
import { systemClock } from '../../../functions/system.ts';
import { refresherDeps } from '../../../functions/wiring.ts';
import type { TableNames } from '../../../lib/aws/keys.ts';
import { secretsManager } from '../../../lib/aws/secrets.ts';
import { isObject } from '../../../lib/core/json.ts';
import { defaultPolicy, type Policy } from '../../../lib/core/policy.ts';
import { minutes } from '../../../lib/core/types.ts';
import { createSend } from '../../../lib/http/send.ts';
import { publishingTransitions } from '../../../lib/observe/transitions.ts';
import { findProvider } from '../../../lib/providers/index.ts';
import { localClients } from '../../kit/aws.ts';
import { discoverNow } from '../../kit/discover.ts';
import { configuration, serveJson } from './parent.ts';

export interface RefresherConfiguration {
  readonly endpoint: string;
  readonly tables: TableNames;
  readonly prefix: string;
  readonly provider: string;
  /** Changes of the policy's defaults. */
  readonly policy: Partial<Policy>;
}

/** One environment of the functions `refresh` and `discover`, wired as in Lambda; an event comes as a POST. */
const { endpoint, tables, prefix, provider: id, policy } = configuration<RefresherConfiguration>();
const provider = findProvider(id);
if (!provider) throw new Error(`there is no provider ${id}`);
const { dynamodb, secretsManager: client } = localClients({ endpoint });
const failed = (error: unknown) => console.error(error instanceof Error ? error.message : 'unknown error');
/** Events go to the parent instead of the event bus. */
const transitions = publishingTransitions(
  { refresh: () => {}, unclaimed: () => {}, retired: () => {}, outOfTime: () => {}, sweep: () => {} },
  systemClock,
  async batch => void process.send?.({ events: batch }),
  failed,
);
const deps = refresherDeps({
  dynamodb,
  tables,
  secrets: secretsManager(client),
  policy: { ...defaultPolicy, ...policy },
  send: createSend('any'),
  prefix,
  observer: transitions.observer,
  onBroken: failed,
});
const refresh = middy().use(transitions.middleware).handler(refreshHandler(deps, provider));
const inventory = { secrets: secretsManager(client), providers: [provider], prefix, connectionsPerSecret: 200 };

serveJson(event =>
  isObject(event) && event.discover === true
    ? discoverNow({ ...deps, ...inventory })
    : refresh(event, { getRemainingTimeInMillis: () => minutes(5) } as Context),
);
