import { afterAll, beforeAll, describe } from 'vitest';
import { startMinio } from '../store/minio.js';
import type { RealServer } from '../store/server-program.js';
import { clientsSuite } from './clients-suite.js';
import { jobSuite } from './job-suite.js';
import { serverJobStore } from './job-store.js';
import { openUploadsOfMinio, portSuite } from './port-suite.js';
import { foundServer } from './subject.js';

const server = foundServer('MinIO');

describe('MinIO', () => {
  clientsSuite({ name: 'MinIO', address: () => server });
  jobSuite({ openStore: () => serverJobStore(server), isServer: true });
});

/** One that nobody else uploads to: its folder must hold no upload that is not finished. */
describe('MinIO', () => {
  let own: RealServer;
  beforeAll(async () => {
    own = await startMinio();
  });
  afterAll(() => own.stop());

  portSuite({ name: 'MinIO', address: () => own, leftovers: () => openUploadsOfMinio(own.folder) });
});
