import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fixedCredentials } from '../../src/aws/credentials.js';
import { openStore } from '../../src/store/open-store.js';
import type { Store } from '../../src/store/port.js';
import { BUCKET, collect, ODD_KEYS, storeContract } from './contract.js';
import { startVersitygw, type Versitygw } from './versitygw.js';

const server = await startVersitygw();
const NO_PATHS = ODD_KEYS.filter(key =>
  key
    .split('/')
    .some(
      (part, index, parts) =>
        ['.', '..'].includes(part) ||
        (part === '' && index < parts.length - 1) ||
        Buffer.byteLength(part) > 255,
    ),
);
const signal = new AbortController().signal;

describe('S3 store with versitygw', () => {
  afterAll(() => server.stop());

  storeContract({
    name: 'contract',
    // Objects are files at the path of their key, so a path that a file system resolves or refuses is no key.
    limits: { refusedKeys: NO_PATHS, fileBesideFolder: false },
    async open() {
      await server.makeBucket(BUCKET);
      return open(server);
    },
    async leftovers() {
      const names = await readdir(join(server.folder, BUCKET), { recursive: true });
      return names.filter(name => name.startsWith('.sgwtmp/multipart/'));
    },
    close: () => Promise.resolve(),
  });

  it('is denied with a wrong secret, and with an unknown key', async () => {
    for (const [keys, words] of [
      [{ secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
      [{ accessKeyId: 'NOBODY' }, 'an access key that it knows'],
    ] as const) {
      const store = await open(server, keys);
      await expect(collect(store.list({ bucket: BUCKET, key: '' }, signal))).rejects.toMatchObject({
        code: 'STORE_DENIED',
        message: expect.stringContaining(words) as string,
      });
      await expect(store.prepareOutput({ bucket: BUCKET, key: '' }, signal)).rejects.toMatchObject({
        code: 'STORE_DENIED',
      });
      await store.close();
    }
  });

  it('misses a bucket before an output is made', async () => {
    const store = await open(server);
    await expect(store.prepareOutput({ bucket: 'nowhere', key: '' }, signal)).rejects.toMatchObject({
      code: 'BUCKET_MISSING',
    });
    await store.close();
  });
});

function open(
  { url, region, accessKeyId, secretAccessKey }: Versitygw,
  keys: { readonly accessKeyId?: string; readonly secretAccessKey?: string } = {},
): Promise<Store> {
  return openStore({
    kind: 'url',
    url,
    region,
    credentials: fixedCredentials({ accessKeyId, secretAccessKey, ...keys }),
  });
}
