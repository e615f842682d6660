import type { Policy } from '../core/policy.ts';
import type { Clock, ConnectionStore, TokenStore } from '../ports.ts';
import type { RefreshAnswer, RefreshRequest } from '../refresh/demand.ts';

export interface ApiDeps {
  readonly clock: Clock;
  readonly tokens: TokenStore;
  readonly connections: Pick<ConnectionStore, 'get' | 'page'>;
  /** The deployed providers, each with the policy of its schedule. */
  readonly providers: ReadonlyMap<string, Policy>;
  /** Calls the provider's refresher for one connection. */
  readonly refresh: (request: RefreshRequest) => Promise<RefreshAnswer>;
  readonly refreshFailed: (error: unknown) => void;
}
