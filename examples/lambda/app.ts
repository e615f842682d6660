import { fileURLToPath } from 'node:url';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { TokenRefresher } from 'token-refresher/infra';

/** One connection, and nothing else, is what this function may read. */
const CONNECTION = 'poweroffice-v2/nordic-books/oslo';

const stack = new Stack(new App(), 'Consumer');
// The stack "TokenRefresher" of the same account; in an app of your own, `new TokenRefresher(stack, 'Tokens')` does too.
const tokens = TokenRefresher.fromStack(stack, 'Tokens');

const invoices = new NodejsFunction(stack, 'Invoices', {
  entry: fileURLToPath(new URL('function/index.ts', import.meta.url)),
  runtime: Runtime.NODEJS_24_X,
  architecture: Architecture.ARM_64,
  timeout: Duration.seconds(30),
  environment: { CONNECTION },
  // The condition is for this repository only, where "token-refresher" is the sources themselves.
  bundling: { bundleAwsSDK: true, esbuildArgs: { '--conditions': 'token-refresher-source' } },
});
// Also sets what createTokenClient() reads.
tokens.grantRead(invoices, CONNECTION);
