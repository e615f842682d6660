import { Fn } from 'aws-cdk-lib';
import { type ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { DEFAULT_NAME } from '../lib/core/deployment.ts';
import { TokenRefresherBase } from './base.ts';
import { checkedName } from './props.ts';

/** The attributes of a token-refresher that another stack has deployed. */
export interface TokenRefresherAttributes {
  /**
   * The name of the deployment.
   *
   * @default 'token-refresher'
   */
  readonly name?: string;
  /** The ARN of its `tokensTable`. */
  readonly tokensTableArn: string;
  /** The ARN of its `encryptionKey`. */
  readonly encryptionKeyArn: string;
  /** The ARN of its `eventBus`. */
  readonly eventBusArn: string;
  /** Its `apiId`. */
  readonly apiId: string;
  /** Its `apiUrl`. */
  readonly apiUrl: string;
  /**
   * The providers that are deployed.
   *
   * @default - not known: any can be granted
   */
  readonly providers?: readonly string[];
}

type Exported = Exclude<keyof TokenRefresherAttributes, 'name' | 'providers'>;

/** The export name of an attribute in the stack of `infra/app.ts`. */
export const exportName = (deployment: string, attribute: Exported): string => `${deployment}:${attribute}`;

/** The exports of the deployment with this name in the same account and region. */
export const exportedBy = (deployment: string): TokenRefresherAttributes => {
  const name = checkedName(deployment);
  const imported = (attribute: Exported) => Fn.importValue(exportName(name, attribute));
  return {
    name,
    tokensTableArn: imported('tokensTableArn'),
    encryptionKeyArn: imported('encryptionKeyArn'),
    eventBusArn: imported('eventBusArn'),
    apiId: imported('apiId'),
    apiUrl: imported('apiUrl'),
  };
};

/** A token-refresher that is deployed elsewhere. */
export class ImportedTokenRefresher extends TokenRefresherBase {
  readonly deploymentName: string;
  readonly tokensTable: ITable;
  readonly encryptionKey: IKey;
  readonly eventBus: IEventBus;
  readonly apiId: string;
  readonly apiUrl: string;
  protected readonly providers: readonly string[] | undefined;

  constructor(scope: Construct, id: string, attributes: TokenRefresherAttributes) {
    super(scope, id);
    this.deploymentName = checkedName(attributes.name ?? DEFAULT_NAME);
    this.encryptionKey = Key.fromKeyArn(this, 'Key', attributes.encryptionKeyArn);
    this.tokensTable = Table.fromTableAttributes(this, 'Tokens', {
      tableArn: attributes.tokensTableArn,
      encryptionKey: this.encryptionKey,
    });
    this.eventBus = EventBus.fromEventBusArn(this, 'Events', attributes.eventBusArn);
    this.apiId = attributes.apiId;
    this.apiUrl = attributes.apiUrl;
    this.providers = attributes.providers;
  }
}
