import { Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { expect, test } from 'vitest';
import { type ITokenRefresher, TokenRefresher } from '../../infra/token-refresher.ts';
import { newApp, ofType, resourcesOf } from './template.ts';

const textsIn = (variables: object | undefined) =>
  Object.fromEntries(Object.entries(variables ?? {}).map(([name, value]) => [name, JSON.stringify(value)]));

/** The environment of a function with these grants. */
const granted = (grant: (fn: Lambda, ...tokens: readonly ITokenRefresher[]) => void) => {
  const stack = new Stack(newApp(), 'Mine');
  const code = Code.fromInline('//');
  const fn = new Lambda(stack, 'Reader', { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code });
  const names = ['token-refresher', 'staging'];
  grant(fn, ...names.map(name => TokenRefresher.fromStack(stack, name, name)));
  const variables = ofType(resourcesOf(stack), 'AWS::Lambda::Function').map(([, { Properties }]) => {
    const { Environment: environment } = Properties;
    return textsIn((environment as { readonly Variables: object } | undefined)?.Variables);
  });
  return { variables: variables[0], stack };
};
const ofDeployment = (name: string) => expect.stringContaining(`"${name}:`);
test.each<[string, (fn: Lambda, tokens: ITokenRefresher) => void, readonly string[]]>([
  ['a connection', (fn, tokens) => tokens.grantRead(fn, 'officernd/acme'), ['TOKENS_TABLE']],
  ['a provider', (fn, tokens) => tokens.grantReadProvider(fn, 'officernd'), ['TOKENS_TABLE']],
  ['a route', (fn, tokens) => tokens.grantInvokeApi(fn, 'officernd/acme'), ['TOKENS_API_URL']],
  ['the list', (fn, tokens) => tokens.grantInvokeApi(fn, { listConnections: true }), ['TOKENS_API_URL']],
])('a function with a grant of %s has what the client needs for it', (_, grant, names) => {
  const { variables } = granted((fn, tokens) => tokens && grant(fn, tokens));
  expect(variables).toEqual(Object.fromEntries(names.map(name => [name, ofDeployment('token-refresher')])));
});

test('a function without a grant has none of it', () => {
  expect(granted(() => {}).variables).toEqual({});
});

test('with grants of two deployments it has the variables of the first, and a warning', () => {
  const { variables, stack } = granted((fn, production, staging) => {
    production?.grantRead(fn, 'officernd/acme');
    production?.grantRead(fn, 'officernd/other');
    staging?.grantRead(fn, 'officernd/acme');
  });
  expect(variables).toEqual({ TOKENS_TABLE: ofDeployment('token-refresher') });
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
