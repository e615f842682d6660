import { awsStores } from '../kit/aws.ts';
import { startEmbedded } from '../kit/embedded.ts';
import { describeStores } from './stores.ts';

describeStores('stores in the embedded AWS', async () => {
  const embedded = await startEmbedded();
  return { stores: await awsStores({ endpoint: embedded.endpoint }), close: () => embedded.close() };
});
