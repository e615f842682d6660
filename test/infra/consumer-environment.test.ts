import { Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { Distribution, LambdaEdgeEventType } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Code, type IVersion, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { expect, test } from 'vitest';
import { type ITokenRefresher, TokenRefresher } from '../../infra/token-refresher.ts';
import { newApp, ofType, resourcesOf } from './template.ts';

const textsIn = (variables: object | undefined) =>
  Object.fromEntries(Object.entries(variables ?? {}).map(([name, value]) => [name, JSON.stringify(value)]));

/** The environment of a function with these grants, and the one that each of the two deployments names. */
const granted = (grant: (fn: Lambda, ...tokens: readonly ITokenRefresher[]) => void) => {
  const stack = new Stack(newApp(), 'Mine');
  const code = Code.fromInline('//');
  const fn = new Lambda(stack, 'Reader', { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code });
  const tokens = ['token-refresher', 'staging'].map(name => TokenRefresher.fromStack(stack, name, name));
  grant(fn, ...tokens);
  const variables = ofType(resourcesOf(stack), 'AWS::Lambda::Function').map(([, { Properties }]) => {
    const { Environment: environment } = Properties;
    return textsIn((environment as { readonly Variables: object } | undefined)?.Variables);
  });
  const environments = tokens.map(each => textsIn(stack.resolve(each.environment())));
  return { variables: variables[0], environments, stack };
};

test.each<[string, (fn: Lambda, tokens: ITokenRefresher) => void, readonly string[]]>([
  ['a connection', (fn, tokens) => tokens.grantRead(fn, 'officernd/acme'), ['TOKENS_TABLE']],
  ['a provider', (fn, tokens) => tokens.grantReadProvider(fn, 'officernd'), ['TOKENS_TABLE']],
  ['a route', (fn, tokens) => tokens.grantInvokeApi(fn, 'officernd/acme'), ['TOKENS_API_URL']],
  ['the list', (fn, tokens) => tokens.grantInvokeApi(fn, { listConnections: true }), ['TOKENS_API_URL']],
])('a function with a grant of %s has what the client needs for it', (_, grant, names) => {
  const { variables, environments } = granted((fn, tokens) => tokens && grant(fn, tokens));
  expect(variables).toEqual(Object.fromEntries(names.map(name => [name, environments[0]?.[name]])));
});

test('a function without a grant has none of it', () => {
  expect(granted(() => {}).variables).toEqual({});
});

test('with grants of two deployments it has the variables of the first, and a warning', () => {
  const { variables, environments, stack } = granted((fn, production, staging) => {
    production?.grantRead(fn, 'officernd/acme');
    production?.grantRead(fn, 'officernd/other');
    staging?.grantRead(fn, 'officernd/acme');
  });
  expect(variables).toEqual({ TOKENS_TABLE: environments[0]?.TOKENS_TABLE });
  Annotations.fromStack(stack).hasWarning(
    '/Mine/Reader',
    Match.stringLikeRegexp('TOKENS_TABLE is that of "token-refresher"'),
  );
});

test('with several grants of one deployment it has no warning', () => {
  const { stack } = granted((fn, production) => {
    production?.grantRead(fn, 'officernd/acme');
    production?.grantInvokeApi(fn, 'officernd/acme');
    production?.grantInvokeApi(fn, { listConnections: true });
  });
  expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
});

test('at an edge of CloudFront, which takes no variables, it has none', () => {
  const { variables } = granted((fn, production) => {
    production?.grantRead(fn, 'officernd/acme');
    const functionVersion = fn.currentVersion as IVersion;
    const edgeLambdas = [{ functionVersion, eventType: LambdaEdgeEventType.ORIGIN_REQUEST }];
    new Distribution(fn.stack, 'Site', { defaultBehavior: { origin: new HttpOrigin('example.com'), edgeLambdas } });
  });
  expect(variables).toEqual({});
});
