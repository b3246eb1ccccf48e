import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/open-store.js';
import { BUCKET, storeContract } from './contract.js';

const root = await mkdtemp(join(tmpdir(), 'optml-embedded-'));

storeContract({
  name: 'embedded store: contract',
  limits: { refusedKeys: [], fileBesideFolder: true },
  async open() {
    await mkdir(join(root, BUCKET));
    return openStore({ kind: 'embedded', folder: root });
  },
  leftovers: () => readdir(join(root, '.optml', 'tmp')),
  close: () => rm(root, { recursive: true, force: true }),
});
