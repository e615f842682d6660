import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { connectionTable } from '../lib/aws/connection-table.ts';
import type { TableNames } from '../lib/aws/keys.ts';
import { limitTable } from '../lib/aws/limit-table.ts';
import { loginTable } from '../lib/aws/login-table.ts';
import { sessionTable } from '../lib/aws/session-table.ts';
import { tokenTable } from '../lib/aws/token-table.ts';
import type { RefresherError } from '../lib/core/errors.ts';
import type { Policy } from '../lib/core/policy.ts';
import { signAssertion } from '../lib/http/sign.ts';
import type { SecretSource, SendHttp } from '../lib/ports.ts';
import { CredentialCache } from '../lib/refresh/credentials.ts';
import { Fingerprints } from '../lib/refresh/fingerprints.ts';
import { Logins } from '../lib/refresh/logins.ts';
import { leasingRateLimiter } from '../lib/refresh/rate-limiter.ts';
import type { Observer, SweepDeps } from '../lib/refresh/sweep.ts';
import { systemChance, systemClock } from './system.ts';

export interface Parts {
  readonly dynamodb: DynamoDBClient;
  readonly tables: TableNames;
  readonly secrets: SecretSource;
  /** The prefix of secret names; ends with a slash. */
  readonly prefix: string;
  readonly policy: Policy;
  readonly send: SendHttp;
  readonly observer: Observer;
  /** Called with a record that cannot be read; the others continue. */
  readonly onBroken: (error: RefresherError) => void;
}

/** The real adapters of the ports, the same in the cloud and on a laptop. */
export const stores = ({ dynamodb, tables, onBroken }: Pick<Parts, 'dynamodb' | 'tables' | 'onBroken'>) => ({
  clock: systemClock,
  tokens: tokenTable(dynamodb, tables.tokens),
  connections: connectionTable(dynamodb, tables.connections, onBroken),
});

export const refresherDeps = (parts: Parts): SweepDeps => {
  const { dynamodb, tables, policy } = parts;
  const logins = loginTable(dynamodb, tables.connections);
  return {
    ...stores(parts),
    ...systemChance,
    logins: new Logins({ clock: systemClock, store: logins, policy, tryId: systemChance.claimId }),
    limiter: leasingRateLimiter(limitTable(dynamodb, tables.connections), systemClock),
    sessions: sessionTable(dynamodb, tables.connections),
    credentials: new CredentialCache(parts.secrets, new Fingerprints(logins, systemChance.claimId), parts.prefix),
    policy,
    send: parts.send,
    sign: signAssertion,
    observer: parts.observer,
  };
};
