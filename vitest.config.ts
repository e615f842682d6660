import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build-functions.ts'],
    sequence: { shuffle: true },
    restoreMocks: true,
    unstubEnvs: true,
    // The CDK checks each template for seconds; `npx cdk synth` does that once. cdk-nag has a test of its own.
    env: { CDK_VALIDATION: 'false' },
    // Files share a process: loading the CDK and the SDK for each of them takes longer than all tests.
    isolate: false,
    // Vitest itself has little to do while tests run.
    maxWorkers: '100%',
    // A machine that is busy with other work is slow, and not wrong.
    testTimeout: 60_000,
  },
});
