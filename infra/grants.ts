import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Kind } from './collected-grants.ts';
import { allow, items } from './statements.ts';

/** Tokens in the table, by connection or by pattern. The rest of the policy has up to 540 characters. */
export const reads = (tableArn: string, match: 'exactly' | 'like'): Kind => ({
  id: match === 'like' ? 'ReadsLike' : 'Reads',
  room: 5600,
  lengthOf: key => key.length,
  statementOf: keys => items(tableArn, ['GetItem'], match === 'like' ? { like: keys } : { exactly: keys }),
});

const LONGEST_ROUTE = 'arn:aws:execute-api:ap-southeast-1:123456789012:abcdefghij/*T/tokens/'.length;

const arnOfApi = (scope: IConstruct, apiId: string): string => {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:execute-api:${region}:${account}:${apiId}`;
};

/**
 * Tokens at the API, by path. `*T` matches `$default/GET` and `$default/POST`: one ARN for both, to fit hundreds. It
 * also matches `PUT`, which the function answers with 405.
 */
export const routes = (scope: IConstruct, apiId: string): Kind => {
  const prefix = `${arnOfApi(scope, apiId)}/*T/tokens/`;
  return {
    id: 'Routes',
    room: 6000,
    lengthOf: path => LONGEST_ROUTE + path.length,
    statementOf: paths => allow('execute-api:Invoke', ...paths.map(path => prefix + path)),
  };
};

/** The list of all connections at the API, which has no tokens. */
export const listRoute = (scope: IConstruct, apiId: string): Kind => ({
  id: 'ListRoute',
  room: 6000,
  lengthOf: path => LONGEST_ROUTE + path.length,
  statementOf: paths => allow('execute-api:Invoke', ...paths.map(path => `${arnOfApi(scope, apiId)}/$default/${path}`)),
});
