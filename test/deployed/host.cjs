// Loads a bundle as Lambda does, invokes it once, and prints its result as the last line.
const [, , bundle, event, timeout] = process.argv;
require('../kit/reroute.cjs')('https://simulators.example', process.env.SIMULATORS);
const { handler } = require(bundle);
const until = Date.now() + Number(timeout) * 1000;
const context = {
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: '$LATEST',
  invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${process.env.AWS_LAMBDA_FUNCTION_NAME}`,
  memoryLimitInMB: '512',
  awsRequestId: '00000000-0000-4000-8000-000000000000',
  getRemainingTimeInMillis: () => until - Date.now(),
};
handler(JSON.parse(event), context).then(result => process.stdout.write(`${JSON.stringify({ result })}\n`));
