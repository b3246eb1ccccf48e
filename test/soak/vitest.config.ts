import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** `npm run soak`: what takes too long for `npm test`, one after the other. */
export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    include: ['test/soak/**/*.test.ts', 'test/bad-luck/faults.test.ts'],
    env: { OPTML_TEST_SOAK: 'true' },
    globalSetup: ['test/harness/set-up.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
