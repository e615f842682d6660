import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    sequence: { shuffle: true },
    restoreMocks: true,
    unstubEnvs: true,
    // Files share a process: loading the CDK and the SDK for each of them takes longer than all tests.
    isolate: false,
    // Vitest itself has little to do while tests run.
    maxWorkers: '100%',
    // A machine that is busy with other work is slow, and not wrong.
    testTimeout: 60_000,
  },
});
