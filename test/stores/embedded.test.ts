import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openStore } from '../../src/store/open-store.js';
import { BUCKET, storeContract } from '../store/contract.js';
import { clientsSuite } from './clients-suite.js';
import { startUp, type UpServer } from './endpoint.js';
import { embeddedJobStore } from './job-store.js';
import { jobSuite } from './job-suite.js';
import { KEY_LIMITS } from './known-faults.js';
import { portSuite } from './port-suite.js';

describe('the embedded store', () => {
  const root = mkdtemp(join(tmpdir(), 'optml-embedded-'));
  storeContract({
    name: 'the store port',
    limits: KEY_LIMITS.embedded,
    async open() {
      await mkdir(join(await root, BUCKET));
      return openStore({ kind: 'embedded', folder: await root });
    },
    leftovers: async () => readdir(join(await root, '.optml/tmp')),
    close: async () => rm(await root, { recursive: true, force: true }),
  });
  jobSuite({ openStore: embeddedJobStore, isServer: false });
});

describe('the embedded store over S3', () => {
  let server: UpServer;
  beforeAll(async () => {
    server = await startUp();
  });
  afterAll(() => server.stop());

  portSuite({ name: 'embedded over S3', address: () => server });
  clientsSuite({ name: 'embedded over S3', address: () => server });
});
