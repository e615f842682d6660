import type { Context } from 'aws-lambda';
import { apiHandler } from '../../../functions/api/handler.ts';
import { stores } from '../../../functions/wiring.ts';
import type { TableNames } from '../../../lib/aws/keys.ts';
import { defaultPolicy, type Policy } from '../../../lib/core/policy.ts';
import type { RefreshAnswer } from '../../../lib/refresh/demand.ts';
import { openPort } from '../../../local/web.ts';
import { localClients } from '../../kit/aws.ts';
import { FAULTS_KEY } from '../key.ts';
import { configuration, ready } from './parent.ts';

export interface ApiConfiguration {
  readonly endpoint: string;
  readonly tables: TableNames;
  readonly provider: string;
  /** The address of its refresher: the counterpart of a function name in Lambda. */
  readonly refresher: string;
  /** Changes of the policy's defaults. */
  readonly policy: Partial<Policy>;
}

/** One environment of the function `api`. */
const { endpoint, tables, provider, refresher, policy } = configuration<ApiConfiguration>();
const failed = (error: unknown) => console.error(error instanceof Error ? error.message : 'unknown error');
const api = apiHandler(
  {
    ...stores({ dynamodb: localClients({ endpoint }).dynamodb, tables, onBroken: failed }),
    providers: new Map([[provider, { ...defaultPolicy, ...policy }]]),
    refresh: async request => {
      const answer = await fetch(refresher, { method: 'POST', body: JSON.stringify({ request }) });
      if (!answer.ok) throw new Error('the refresh function failed');
      return (await answer.json()) as RefreshAnswer;
    },
    refreshFailed: failed,
  },
  failed,
);
const web = await openPort(0, FAULTS_KEY);
web.serve(event => api(event, {} as Context));
ready(web.url);
