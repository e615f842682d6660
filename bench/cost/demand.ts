import type { Milliseconds } from '../../lib/core/types.ts';

/** The load of a deployment. */
export interface CostDemand {
  readonly connections: number;
  /** Of the tokens that providers grant; without it each provider's own. */
  readonly lifetime?: Milliseconds;
  /** Connections of a secret. */
  readonly packed: number;
  /** One provider, or all in turns. */
  readonly provider: string | 'all';
  /** The applications that the secrets belong to. */
  readonly keys?: number;
  readonly schedules?: number;
  readonly refreshAt?: number;
  /** Tokens that are read through the API, a month. */
  readonly reads: number;
  /** The length of access tokens, in characters. */
  readonly tokenLength: number;
}
