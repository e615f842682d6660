import { defineConfig } from 'vitest/config';

/** It replaces methods of the database itself, so it has a process of its own. */
const ALONE = 'test/aws/patient-level.test.ts';

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: [ALONE], isolate: false } },
      { extends: true, test: { name: 'alone', include: [ALONE], isolate: true } },
    ],
    globalSetup: ['test/build-functions.ts'],
    sequence: { shuffle: true },
    restoreMocks: true,
    unstubEnvs: true,
    // The CDK checks each template for seconds; `npx cdk synth` does that once. cdk-nag has a test of its own.
    env: { CDK_VALIDATION: 'false' },
    // Files of "shared" share a process: loading the CDK and the SDK for each of them takes longer than all tests.
    // Vitest itself has little to do while tests run.
    maxWorkers: '100%',
    // A machine that is busy with other work is slow, and not wrong.
    testTimeout: 60_000,
  },
});
