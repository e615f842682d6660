import { createServer } from 'node:https';
import { createEmbedded } from '../../local/aws/embedded.ts';
import { configuration, listening } from './process.ts';

/** DynamoDB and Secrets Manager in memory, over TLS as on AWS. */
const { key, cert } = configuration();
const embedded = await createEmbedded();
await listening(createServer({ key, cert }, (request, response) => embedded.server.emit('request', request, response)));
