/** Tests that take too long for every day. */

import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/store/server/*.soak.ts'], maxWorkers: 1 } });
