import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type IEventBus, type OnEventOptions, Rule } from 'aws-cdk-lib/aws-events';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct, type IConstruct } from 'constructs';
import { keyOf, parseConnectionId, providerOf } from '../lib/core/types.ts';
import { type ConnectionEventType, EVENT_SOURCE } from '../lib/events.ts';
import { type MetricName, metrics } from '../lib/observe/metrics.ts';
import { CollectedGrants } from './collected-grants.ts';
import { type ConsumerVariable, setVariable } from './consumer-environment.ts';
import { listRoute, reads, routes } from './grants.ts';
import { ownMetric } from './metric.ts';
import { mustBe } from './options.ts';
import { tableKey } from './statements.ts';

/** Options of a rule for events of connections. */
export interface OnConnectionEventOptions extends OnEventOptions {
  /**
   * Which events: `['failing', 'recovered']`.
   *
   * @default - all
   */
  readonly types?: readonly ConnectionEventType[];
}

/** What a grantee may read at the HTTP API besides tokens. */
export interface ListConnections {
  /** `GET /connections`: the names and states of all connections, and no token. */
  readonly listConnections: true;
}

/**
 * A deployed token-refresher as other stacks see it: they read `Tokens` or call the API. `Connections` is never
 * granted.
 */
export interface ITokenRefresher extends IConstruct {
  /** The name of the deployment: `token-refresher`. */
  readonly deploymentName: string;
  /** Current tokens. Prefer `grantRead` to the grants of the table, which cover all tokens. */
  readonly tokensTable: ITable;
  /** Encrypts the tables. */
  readonly encryptionKey: IKey;
  /** Publishes state changes of connections. */
  readonly eventBus: IEventBus;
  /** The id of the HTTP API. */
  readonly apiId: string;
  /** The URL of the HTTP API: `https://….execute-api.eu-west-1.amazonaws.com`. */
  readonly apiUrl: string;

  /**
   * Lets the grantee read one token from the table: `poweroffice-v2/acme`, `…/acme/oslo`, or all of a secret:
   * `…/acme/*`. Grants for the same grantee share statements: hundreds of connections fit into the policies of one
   * role. A function gets the environment variable `TOKENS_TABLE`.
   */
  grantRead(grantee: IGrantable, connection: string): Grant;
  /** Lets the grantee read the tokens of all connections of one provider. */
  grantReadProvider(grantee: IGrantable, provider: string): Grant;
  /**
   * Lets the grantee call the HTTP API for one connection's token and force its refresh; without a connection, for any;
   * with `{ listConnections: true }`, for the list of connections and no token. A function gets the environment
   * variable `TOKENS_API_URL`.
   */
  grantInvokeApi(grantee: IGrantable, route?: string | ListConnections): Grant;
  /** The environment variables of a consumer that is not a function: `TOKENS_TABLE` and `TOKENS_API_URL`. */
  environment(): Record<ConsumerVariable, string>;

  /** A rule for events of connections (docs/events.md). Narrow it with `types`, or with `eventPattern`. */
  onEvent(id: string, options?: OnConnectionEventOptions): Rule;
  /** A rule for connections that need attention: a person has to act. */
  onNeedsAttention(id: string, options?: OnEventOptions): Rule;

  /** A metric of this deployment; by default with the statistic that fits it, over five minutes. */
  metric(name: MetricName, options?: MetricOptions): Metric;
  /** The smallest life left of all tokens: 1 before renewals are due, 0 for an expired token. */
  metricLowestLife(options?: MetricOptions): Metric;
  /** How overdue the most overdue connection is; 1 is the limit. */
  metricLongestOverdue(options?: MetricOptions): Metric;
  /** How many connections need attention; no value if none does. */
  metricNeedsAttention(options?: MetricOptions): Metric;
  /** How long the longest failing connection has failed, in milliseconds. */
  metricLongestFailing(options?: MetricOptions): Metric;
  /** Days until the next secret or session with an end expires. */
  metricNextExpiry(options?: MetricOptions): Metric;
  /** Secrets that cannot become connections, and records that cannot be read. */
  metricDiscoveryProblems(options?: MetricOptions): Metric;
  /** The share of refreshes that fail; the statistic `SampleCount` counts all refreshes. */
  metricFailed(options?: MetricOptions): Metric;
  /** Refreshes that got no rate-limit slot in time. */
  metricPostponed(options?: MetricOptions): Metric;
  /** Refreshes whose result DynamoDB did not store. */
  metricCommitFailures(options?: MetricOptions): Metric;
  /** Calls to providers. */
  metricCalls(options?: MetricOptions): Metric;
}

/** The common part of deployed and imported token-refreshers. */
export abstract class TokenRefresherBase extends Construct implements ITokenRefresher {
  abstract readonly deploymentName: string;
  abstract readonly tokensTable: ITable;
  abstract readonly encryptionKey: IKey;
  abstract readonly eventBus: IEventBus;
  abstract readonly apiId: string;
  abstract readonly apiUrl: string;
  /** The deployed providers; undefined if not known: any can be granted. */
  protected abstract readonly providers: readonly string[] | undefined;
  readonly #grants = new CollectedGrants(this);

  grantRead(grantee: IGrantable, connection: string): Grant {
    const { match, key } = this.#known(connection);
    return this.#read(grantee, match, key);
  }

  grantReadProvider(grantee: IGrantable, provider: string): Grant {
    return this.#read(grantee, 'like', `${this.#served(provider)}/*`);
  }

  grantInvokeApi(grantee: IGrantable, route?: string | ListConnections): Grant {
    setVariable(grantee, this.deploymentName, ['TOKENS_API_URL', this.apiUrl]);
    if (typeof route === 'object') return this.#grants.add(grantee, listRoute(this, this.apiId), 'GET/connections');
    const path = route === undefined ? '*' : this.#known(route).key;
    return this.#grants.add(grantee, routes(this, this.apiId), path);
  }

  environment(): Record<ConsumerVariable, string> {
    return { TOKENS_TABLE: this.tokensTable.tableName, TOKENS_API_URL: this.apiUrl };
  }

  onEvent(id: string, { target, types, ...options }: OnConnectionEventOptions = {}): Rule {
    const rule = new Rule(this, id, { ...options, eventBus: this.eventBus });
    rule.addEventPattern({ source: [EVENT_SOURCE], ...(types && { detailType: [...types] }) });
    if (target) rule.addTarget(target);
    return rule;
  }

  onNeedsAttention(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, { ...options, types: ['needs attention'] });
  }

  metric(name: MetricName, options?: MetricOptions): Metric {
    return ownMetric(this.deploymentName, name, options);
  }

  metricLowestLife(options?: MetricOptions): Metric {
    return this.metric(metrics.lowestLife, options);
  }

  metricLongestOverdue(options?: MetricOptions): Metric {
    return this.metric(metrics.longestOverdue, options);
  }

  metricNeedsAttention(options?: MetricOptions): Metric {
    return this.metric(metrics.needsAttention, options);
  }

  metricLongestFailing(options?: MetricOptions): Metric {
    return this.metric(metrics.longestFailing, options);
  }

  metricNextExpiry(options?: MetricOptions): Metric {
    return this.metric(metrics.nextExpiry, options);
  }

  metricDiscoveryProblems(options?: MetricOptions): Metric {
    return this.metric(metrics.discoveryProblems, options);
  }

  metricFailed(options?: MetricOptions): Metric {
    return this.metric(metrics.failed, options);
  }

  metricPostponed(options?: MetricOptions): Metric {
    return this.metric(metrics.postponed, options);
  }

  metricCommitFailures(options?: MetricOptions): Metric {
    return this.metric(metrics.commitFailures, options);
  }

  metricCalls(options?: MetricOptions): Metric {
    return this.metric(metrics.calls, options);
  }

  #read(grantee: IGrantable, match: 'exactly' | 'like', key: string): Grant {
    setVariable(grantee, this.deploymentName, ['TOKENS_TABLE', this.tokensTable.tableName]);
    const grant = this.#grants.add(grantee, reads(this.tokensTable.tableArn, match), key);
    return grant.combine(this.#grants.addOnce(grantee, tableKey(this, this.encryptionKey.keyArn)));
  }

  /** One connection, or all of one secret: `<provider>/<name>/*`. */
  #known(connection: string): { readonly match: 'exactly' | 'like'; readonly key: string } {
    const all = connection.endsWith('/*');
    const id = parseConnectionId(all ? connection.slice(0, -2) : connection);
    if (!id || (all && keyOf(id) !== undefined)) {
      const forms = '"<provider>/<name>", "<provider>/<name>/<key>" or "<provider>/<name>/*"';
      throw mustBe('connection', forms, connection);
    }
    this.#served(providerOf(id));
    return all ? { match: 'like', key: `${id}/*` } : { match: 'exactly', key: id };
  }

  #served(provider: string): string {
    if (this.providers === undefined || this.providers.includes(provider)) return provider;
    throw mustBe('provider', `one that is deployed (${this.providers.join(', ')})`, provider);
  }
}
