import { describe } from 'vitest';
import { clientsSuite } from './clients-suite.js';
import { jobSuite } from './job-suite.js';
import { serverJobStore } from './job-store.js';
import { openUploadsOfMinio, portSuite } from './port-suite.js';
import { foundServer } from './subject.js';

const server = foundServer('MinIO');

describe('MinIO', () => {
  portSuite({ name: 'MinIO', address: () => server, leftovers: () => openUploadsOfMinio(server.folder) });
  clientsSuite({ name: 'MinIO', address: () => server });
  jobSuite({ openStore: () => serverJobStore(server), isServer: true });
});
