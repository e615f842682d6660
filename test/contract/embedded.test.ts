import { awsStores } from '../kit/aws.ts';
import { startEmbeddedOnPort } from '../kit/embedded.ts';
import { describeStores } from './stores.ts';

describeStores('stores in the embedded AWS', async () => {
  const embedded = await startEmbeddedOnPort();
  return { stores: await awsStores({ endpoint: embedded.endpoint }), close: () => embedded.close() };
});
