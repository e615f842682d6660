import { memoryStores } from '../support/memory.ts';
import { describeStores } from './stores.ts';

describeStores('stores in memory', async () => ({ stores: memoryStores(), close: async () => {} }));
