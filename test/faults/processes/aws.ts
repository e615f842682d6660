import { startEmbeddedOnPort } from '../../kit/embedded.ts';
import { configuration, ready } from './parent.ts';

/** DynamoDB and Secrets Manager, on disk: they outlive every refresher. */
const { endpoint } = await startEmbeddedOnPort({ folder: configuration<{ readonly folder: string }>().folder });
ready(endpoint);
