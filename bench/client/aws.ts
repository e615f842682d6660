import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { createTables } from '../../lib/aws/tables.ts';
import { tokenTable } from '../../lib/aws/token-table.ts';
import { epochMs, parseConnectionId, version } from '../../lib/core/types.ts';
import { createEmbedded } from '../../local/aws/embedded.ts';
import { localClients } from '../../test/kit/aws.ts';
import { listeningForParent } from '../memory/process.ts';

/** DynamoDB and Secrets Manager in a process of their own, with one token and one secret. */

export const BENCH_TABLE = 'Tokens';
export const BENCH_CONNECTION = 'officernd/acme';

if (process.send) {
  const { server } = await createEmbedded();
  await listeningForParent(server);
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const { dynamodb, secretsManager } = localClients({ endpoint: `http://127.0.0.1:${port}` });
  await createTables(dynamodb, { tokens: BENCH_TABLE, connections: 'Connections' });
  const now = Date.now();
  const connection = parseConnectionId(BENCH_CONNECTION);
  if (!connection) throw new Error('not a connection');
  await tokenTable(dynamodb, BENCH_TABLE).publish({
    ...{ connection, accessToken: 'x'.repeat(800), tokenType: 'Bearer', version: version(1) },
    ...{ issuedAt: epochMs(now), expiresAt: epochMs(now + 3_600_000) },
    ...{ headers: { Authorization: `Bearer ${'x'.repeat(800)}` }, baseUrl: 'https://api.example.com' },
  });
  await secretsManager.send(new CreateSecretCommand({ Name: BENCH_CONNECTION, SecretString: 'x'.repeat(800) }));
  process.send('ready');
}
