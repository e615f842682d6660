import { Duration, Names, RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogField, AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type BundledFunction, bundledFunction, type FunctionContext } from './function.ts';
import type { Refresher } from './refreshers.ts';
import { allow, items, shardsOf, tableKey } from './statements.ts';
import type { Storage } from './storage.ts';

export interface ApiProps extends Pick<FunctionContext, 'logRetention'> {
  /** The deployment's name. */
  readonly name: string;
  readonly storage: Storage;
  /** The refresh function of each provider. */
  readonly refreshers: ReadonlyMap<string, Refresher>;
  readonly requestsPerSecond: number;
  readonly reservedConcurrency?: number | undefined;
}

const routes: readonly HttpRouteKey[] = [
  HttpRouteKey.with('/tokens/{provider}/{name}', HttpMethod.GET),
  HttpRouteKey.with('/tokens/{provider}/{name}', HttpMethod.POST),
  HttpRouteKey.with('/tokens/{provider}/{name}/{key}', HttpMethod.GET),
  HttpRouteKey.with('/tokens/{provider}/{name}/{key}', HttpMethod.POST),
  HttpRouteKey.with('/connections', HttpMethod.GET),
  // The function answers all other requests with the error.
  HttpRouteKey.DEFAULT,
];

/** Caller, request and result. No headers, no query string, no body. CloudWatch adds the time. */
const accessLog = {
  requestId: AccessLogField.contextRequestId(),
  caller: AccessLogField.contextIdentityUserArn(),
  ip: AccessLogField.contextIdentitySourceIp(),
  method: AccessLogField.contextHttpMethod(),
  path: AccessLogField.contextPath(),
  status: AccessLogField.contextStatus(),
  latency: AccessLogField.contextResponseLatency(),
  error: AccessLogField.contextIntegrationErrorMessage(),
};

/** The HTTP API. Every route requires an IAM signature; IAM policies on paths decide who may read which connection. */
export class Api extends Construct {
  readonly httpApi: HttpApi;
  readonly api: BundledFunction;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    this.api = this.#function(props);
    this.httpApi = new HttpApi(this, 'HttpApi', {
      apiName: Names.uniqueResourceName(this, { maxLength: 60 }),
      description: 'token-refresher: current tokens',
      createDefaultStage: false,
      defaultAuthorizer: new HttpIamAuthorizer(),
    });
    const integration = new HttpLambdaIntegration('Integration', this.api.fn);
    for (const routeKey of routes) {
      new HttpRoute(this.httpApi, routeKey.key, { httpApi: this.httpApi, routeKey, integration });
    }
    this.#stage(props);
  }

  #function({ name, storage, refreshers, logRetention, reservedConcurrency }: ApiProps): BundledFunction {
    const { tokens, connections, key } = storage;
    const providers = [...refreshers.keys()];
    const all = [...refreshers].map(([provider, { fn, pace }]) => {
      return [provider, { functionName: fn.functionName, ...pace }] as const;
    });
    const api = bundledFunction(this, 'Api', {
      source: 'api',
      description: 'Serves current tokens',
      environment: {
        TOKENS_TABLE: tokens.tableName,
        CONNECTIONS_TABLE: connections.tableName,
        DEPLOYMENT: name,
        REFRESHERS: JSON.stringify(Object.fromEntries(all)),
      },
      // As long as API Gateway waits.
      timeout: Duration.seconds(29),
      logRetention,
      reservedConcurrency,
    });
    const { role } = api;
    role.addToPrincipalPolicy(items(tokens.tableArn, ['GetItem'], { like: providers.map(id => `${id}/*`) }));
    role.addToPrincipalPolicy(items(connections.tableArn, ['GetItem', 'Query'], shardsOf(providers)));
    role.addToPrincipalPolicy(tableKey(this, key.keyArn));
    const arns = [...refreshers.values()].map(({ fn }) => fn.functionArn);
    role.addToPrincipalPolicy(allow('lambda:InvokeFunction', ...arns));
    return api;
  }

  #stage({ logRetention: retention, requestsPerSecond }: ApiProps): void {
    const logGroup = new LogGroup(this, 'AccessLogs', {
      // Log groups under this prefix need no entry in the account's log resource policy, whose size is limited.
      logGroupName: `/aws/vendedlogs/${Names.uniqueResourceName(this, { maxLength: 100, separator: '-' })}`,
      retention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new HttpStage(this, 'Stage', {
      httpApi: this.httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: requestsPerSecond, burstLimit: 2 * requestsPerSecond },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(accessLog)),
      },
    });
  }
}
