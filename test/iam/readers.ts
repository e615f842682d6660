import { App, Stack } from 'aws-cdk-lib';
import { Template as Assertions } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITokenRefresher, TokenRefresher } from '../../infra/token-refresher.ts';
import type { Template } from './stacks.ts';

/** The connection that readers are granted, another one of the same provider, and one of another provider. */
export const GRANTED = 'officernd/loft';
export const NEIGHBOUR = 'officernd/harbour-desks';
export const FOREIGN = 'ioffice/campus';

/** A secret of many connections. */
export const PACKED = 'poweroffice-v2/nordic-books';

/** Every kind of grant, and none. */
const readers: Readonly<Record<string, (tokens: ITokenRefresher, role: Role) => void>> = {
  OneToken: (tokens, role) => tokens.grantRead(role, GRANTED),
  OneSecret: (tokens, role) => tokens.grantRead(role, `${PACKED}/*`),
  OneProvider: (tokens, role) => tokens.grantReadProvider(role, 'officernd'),
  OneRoute: (tokens, role) => tokens.grantInvokeApi(role, GRANTED),
  AllRoutes: (tokens, role) => tokens.grantInvokeApi(role),
  ListRoute: (tokens, role) => tokens.grantInvokeApi(role, { listConnections: true }),
  Stranger: () => {},
};

/** A stack of roles that read tokens of the stack `TokenRefresher`. */
export const readersTemplate = (): Template => {
  const stack = new Stack(new App({ context: { 'aws:cdk:enable-path-metadata': true } }), 'Readers');
  const tokens = TokenRefresher.fromStack(stack, 'Tokens');
  for (const [name, grant] of Object.entries(readers)) {
    grant(tokens, new Role(stack, `${name}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }));
  }
  return Assertions.fromStack(stack).toJSON() as Template;
};
