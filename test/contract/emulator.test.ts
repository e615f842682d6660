import { describe, it } from 'vitest';
import { awsStores } from '../kit/aws.ts';
import { startEmulator } from '../kit/emulator.ts';
import { describeStores } from './stores.ts';

const emulator = await startEmulator(process.env.EMULATOR);

if (typeof emulator === 'string') {
  console.log(`The contract of the stores was not held against a local AWS: ${emulator}.`);
  describe.skip('stores in a local AWS', () => it('is there'));
} else {
  describeStores(
    'stores in a local AWS',
    async () => ({ stores: await awsStores(emulator.settings), close: emulator.stop }),
    // moto checks a condition and then writes, without a lock: two writers at one moment can both win.
    { atomic: false },
  );
}
