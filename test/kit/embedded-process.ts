import { createTables } from '../../lib/aws/tables.ts';
import { localClients } from './aws.ts';
import { startEmbeddedOnPort } from './embedded.ts';

// A separate process, for tests that kill it: prints the endpoint once the tables exist, and keeps running.
const embedded = await startEmbeddedOnPort({ folder: process.argv[2] ?? '' });
await createTables(localClients({ endpoint: embedded.endpoint }).dynamodb, {
  tokens: 'Tokens',
  connections: 'Connections',
});
console.log(embedded.endpoint);
