import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // `npm run test:stores`, `npm run soak`
    exclude: [...configDefaults.exclude, 'test/stores/**', 'test/soak/**'],
    globalSetup: ['test/harness/set-up.ts'],
    // Containers on two cores: what is slow is slow, and a limit is there to end a hang.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: true,
    // More than cores: many tests wait for limits to run out.
    maxWorkers: 3,
  },
});
