// Loads a bundle as Lambda does, and invokes it with each event that its parent sends.
const http = require('node:https');

// What is deployed calls public addresses alone; this public name leads to loopback, over TLS as it is.
const { request } = http;
http.request = (url, options, done) =>
  request(url, URL.parse(String(url))?.hostname === process.env.PROVIDER_HOST ? { ...options, lookup } : options, done);
const lookup = (_, { all }, done) =>
  all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);

const { now } = Date;
const { handler } = require(process.argv[2]);

process.on('message', async ({ event, ahead }) => {
  Date.now = () => now() + ahead;
  const until = now() + Number(process.argv[3]) * 1000;
  const context = {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${process.env.AWS_LAMBDA_FUNCTION_NAME}`,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: '00000000-0000-4000-8000-000000000000',
    getRemainingTimeInMillis: () => until - now(),
  };
  // A result is turned into JSON, as Lambda does.
  const answer = await handler(event, context).then(
    result => ({ result }),
    error => ({ error: String(error) }),
  );
  process.send(answer);
});
process.on('disconnect', () => process.exit());
process.send('ready');
