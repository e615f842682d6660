import { memoryStores } from '../kit/memory.ts';
import { describeStores } from './stores.ts';

describeStores('stores in memory', async () => ({ stores: memoryStores(), close: async () => {} }));
