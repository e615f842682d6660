import { startEmbedded } from '../../local/aws/embedded.ts';
import { awsStores } from '../support/aws.ts';
import { describeStores } from './stores.ts';

describeStores('stores in the embedded AWS', async () => {
  const embedded = await startEmbedded();
  return { stores: await awsStores({ endpoint: embedded.endpoint }), close: () => embedded.close() };
});
