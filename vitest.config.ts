import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build-functions.ts'],
    sequence: { shuffle: true },
    restoreMocks: true,
    // A machine that is busy with other work is slow, and not wrong.
    testTimeout: 60_000,
  },
});
