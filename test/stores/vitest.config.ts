import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** `npm run test:stores`: the same tests against every store. They are not among those of `npm test`. */
export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    include: ['test/stores/**/*.test.ts'],
    globalSetup: ['test/stores/set-up.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    fileParallelism: true,
    maxWorkers: 2,
  },
});
