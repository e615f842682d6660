import { Fn, Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { keyOf, parseConnectionId, providerOf } from '../lib/core/types.ts';
import { providerIds } from '../lib/providers/index.ts';
import { SettingsError } from './options.ts';
import { allow, items, type Keys, tableKey } from './statements.ts';

/** A deployed token-refresher, as others see it: they read `Tokens` or call the API. `Connections` is never granted. */
export interface ITokenRefresher {
  /** Lets the grantee read one token from the table: `poweroffice-v2/acme`, `…/acme/oslo`, or all of a secret: `…/acme/*`. */
  grantRead(grantee: IGrantable, connection: string): Grant;
  /** Lets the grantee read the tokens of all connections of one provider. */
  grantReadProvider(grantee: IGrantable, provider: string): Grant;
  /** Lets the grantee ask the HTTP API for one connection's token and force its refresh; without one, for any. */
  grantInvokeApi(grantee: IGrantable, connection?: string): Grant;
  /** The environment variables of a consumer: `TOKENS_TABLE` and `TOKENS_API_URL`. */
  environment(): Record<'TOKENS_TABLE' | 'TOKENS_API_URL', string>;
}

/** What the grants are about. */
export interface Parts {
  readonly tokensTableName: string;
  readonly tokensTableArn: string;
  readonly keyArn: string;
  readonly apiId: string;
  readonly apiUrl: string;
  /** The providers that are served. */
  readonly providers: readonly string[];
}

/** The grants, the same for one that is deployed here and for one that is imported. */
export abstract class TokenRefresherBase extends Construct implements ITokenRefresher {
  protected abstract readonly parts: Parts;

  grantRead(grantee: IGrantable, connection: string): Grant {
    return this.#read(grantee, this.#known(connection).keys);
  }

  grantReadProvider(grantee: IGrantable, provider: string): Grant {
    return this.#read(grantee, { like: [`${this.#served(provider)}/*`] });
  }

  grantInvokeApi(grantee: IGrantable, connection?: string): Grant {
    const path = connection === undefined ? '*' : this.#known(connection).path;
    const { partition, region, account } = Stack.of(this);
    const route = (request: string) =>
      `arn:${partition}:execute-api:${region}:${account}:${this.parts.apiId}/$default/${request}`;
    const routes = [route(`GET/tokens/${path}`), route(`POST/tokens/${path}`)];
    return granted(grantee, allow('execute-api:Invoke', ...routes));
  }

  environment(): Record<'TOKENS_TABLE' | 'TOKENS_API_URL', string> {
    return { TOKENS_TABLE: this.parts.tokensTableName, TOKENS_API_URL: this.parts.apiUrl };
  }

  #read(grantee: IGrantable, keys: Keys): Grant {
    const { tokensTableArn, keyArn } = this.parts;
    const grant = granted(grantee, items(tokensTableArn, ['GetItem'], keys));
    return grant.combine(granted(grantee, tableKey(this, keyArn)));
  }

  /** One connection, or `<provider>/<name>/*`: all of one secret. */
  #known(connection: string): { readonly keys: Keys; readonly path: string } {
    const all = connection.endsWith('/*');
    const id = parseConnectionId(all ? connection.slice(0, -2) : connection);
    if (!id || (all && keyOf(id) !== undefined)) {
      throw new SettingsError(
        `The connection must be "<provider>/<name>", "<provider>/<name>/<key>" or "<provider>/<name>/*", got "${connection}".`,
      );
    }
    this.#served(providerOf(id));
    return { keys: all ? { like: [`${id}/*`] } : { exactly: [id] }, path: all ? `${id}/*` : id };
  }

  #served(provider: string): string {
    const { providers } = this.parts;
    if (providers.includes(provider)) return provider;
    throw new SettingsError(`"${provider}" is no provider that is served here: there are ${providers.join(', ')}.`);
  }
}

const granted = (grantee: IGrantable, statement: PolicyStatement): Grant =>
  Grant.addToPrincipal({
    grantee,
    actions: statement.actions,
    resourceArns: statement.resources,
    conditions: statement.conditions,
  });

/** The names below which the stack of `infra/app.ts` exports its parts. */
export const exportName = (stackName: string, part: Exclude<keyof Parts, 'providers'>): string =>
  `${stackName}:${part}`;

/** One that its own stack has deployed to the same account and region. */
export class ImportedTokenRefresher extends TokenRefresherBase {
  protected readonly parts: Parts;

  constructor(scope: Construct, id: string, stackName: string) {
    super(scope, id);
    const part = (name: Exclude<keyof Parts, 'providers'>) => Fn.importValue(exportName(stackName, name));
    this.parts = {
      tokensTableName: part('tokensTableName'),
      tokensTableArn: part('tokensTableArn'),
      keyArn: part('keyArn'),
      apiId: part('apiId'),
      apiUrl: part('apiUrl'),
      providers: providerIds,
    };
  }
}
