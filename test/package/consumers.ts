import { readFileSync } from 'node:fs';

/** Apps that only use tokens, with the oldest AWS SDK that the client takes and with that of this repository. */

const { devDependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
export const sdkVersions: readonly string[] = ['3.600.0', devDependencies['@aws-sdk/client-dynamodb']];

/** Reads a token from a server that answers as DynamoDB does. */
const app = `
const now = Date.now();
const item = {
  connection: { S: 'officernd/acme' }, format: { N: '1' }, accessToken: { S: 'invented' }, tokenType: { S: 'Bearer' },
  issuedAt: { N: String(now) }, expiresAt: { N: String(now + 3_600_000) },
  headers: { M: { Authorization: { S: 'Bearer invented' } } }, baseUrl: { S: 'http://127.0.0.1:9' },
};
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify({ Item: item }));
  });
});
server.listen(0, '127.0.0.1', async () => {
  const endpoint = 'http://127.0.0.1:' + server.address().port;
  const settings = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
  for (const client of [new DynamoDBClient(settings), new DynamoDB(settings)]) {
    const tokens = createTokenClient({ source: tableSource({ tableName: 'Tokens', client }) });
    const { accessToken } = await tokens.get('officernd/acme');
    if (accessToken !== 'invented') throw new Error('The client does not work.');
  }
  server.close();
  server.closeAllConnections();
});
`;
const esm = `import { createServer } from 'node:http';
import { DynamoDB, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTokenClient, tableSource } from 'token-refresher/client';
`;

export const consumerFiles = {
  'package.json': '{ "private": true }',
  'app.mjs': esm + app,
  'app.cjs': esm.replace(/import (.*) from ('.*');/g, 'const $1 = require($2);') + app,
  'types.ts': `${esm.replace(/.*node:http.*\n/, '')}
for (const client of [new DynamoDBClient({}), new DynamoDB({})]) {
  createTokenClient({ source: tableSource({ tableName: 'Tokens', client }) });
}
// @ts-expect-error A client of another service.
tableSource({ client: { get: () => undefined } });
`,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      ...{ strict: true, noEmit: true, target: 'es2022', module: 'node16', moduleResolution: 'node16' },
      ...{ types: ['node'], skipLibCheck: true },
    },
    include: ['types.ts'],
  }),
} as const;
