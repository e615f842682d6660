import { startEmbedded } from '../../kit/embedded.ts';
import { configuration, ready } from './parent.ts';

/** DynamoDB and Secrets Manager, on disk: they outlive every refresher. */
const { endpoint } = await startEmbedded({ folder: configuration<{ readonly folder: string }>().folder });
ready(endpoint);
