import { createServer } from 'node:https';
import { createEmbedded } from '../../local/aws/embedded.ts';
import { listeningForParent, serverConfiguration } from './process.ts';

/** DynamoDB and Secrets Manager in memory, over TLS as on AWS. */
const { key, cert } = serverConfiguration();
const embedded = await createEmbedded();
await listeningForParent(
  createServer({ key, cert }, (request, response) => embedded.server.emit('request', request, response)),
);
