/** `optml up` with another server as its store: what clients see through it. */

import { afterAll, beforeAll, describe } from 'vitest';
import { clientsSuite } from './clients-suite.js';
import { startUp, type UpServer } from './endpoint.js';
import { startMinio } from '../store/minio.js';
import type { RealServer } from '../store/server-program.js';

describe('optml up before MinIO', () => {
  let behind: RealServer;
  let server: UpServer;
  beforeAll(async () => {
    behind = await startMinio();
    server = await startUp(behind);
  });
  afterAll(async () => {
    await server.stop();
    await behind.stop();
  });

  clientsSuite({ name: 'optml up before MinIO', address: () => server });
});
