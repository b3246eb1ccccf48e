/** The contract of the store port, and what else the S3 client must do with every server. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { fixedCredentials } from '../../src/aws/credentials.js';
import { openStore } from '../../src/store/open-store.js';
import type { Store } from '../../src/store/port.js';
import { BUCKET, collect, storeContract } from '../store/contract.js';
import type { S3Address } from '../store/server-program.js';
import { KEY_LIMITS } from './known-faults.js';
import { sdkClient, type StoreName } from './subject.js';

const signal = new AbortController().signal;

export interface PortSubject {
  readonly name: StoreName;
  readonly address: () => S3Address;
  /** Names of whatever an unfinished upload has left behind; by default, what the server itself lists. */
  readonly leftovers?: () => Promise<string[]>;
}

export function portSuite({ name, address, leftovers = () => openUploads(address()) }: PortSubject): void {
  storeContract({
    name: 'the store port',
    limits: KEY_LIMITS[name],
    async open() {
      const client = sdkClient(address());
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      client.destroy();
      return open(address());
    },
    leftovers,
    close: () => Promise.resolve(),
  });

  describe('a request of the store port', () => {
    it('is denied with a wrong secret, and with an unknown key', async () => {
      for (const keys of [{ secretAccessKey: 'wrong' }, { accessKeyId: 'NOBODY' }]) {
        const store = await open({ ...address(), ...keys });
        const listing = collect(store.list({ bucket: BUCKET, key: '' }, signal));
        await expect(listing).rejects.toMatchObject({
          code: 'STORE_DENIED',
          message: expect.stringMatching(/AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)/) as string,
        });
        await expect(store.prepareOutput({ bucket: BUCKET, key: '' }, signal)).rejects.toMatchObject({
          code: 'STORE_DENIED',
        });
        await expect(store.check(signal)).rejects.toMatchObject({ code: 'STORE_DENIED' });
        await store.close();
      }
    });

    it('misses a bucket before an output is made', async () => {
      const store = await open(address());
      await expect(store.prepareOutput({ bucket: 'nowhere', key: '' }, signal)).rejects.toMatchObject({
        code: 'BUCKET_MISSING',
      });
      await store.close();
    });

    it('finds that the store answers', async () => {
      const store = await open(address());
      await expect(store.check(signal)).resolves.toBeUndefined();
      await store.close();
    });
  });
}

export function open({ url, region, accessKeyId, secretAccessKey }: S3Address): Promise<Store> {
  const credentials = fixedCredentials({ accessKeyId, secretAccessKey });
  return openStore({ kind: 'url', url, region, credentials });
}

async function openUploads(address: S3Address): Promise<string[]> {
  const client = sdkClient(address);
  try {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    return Uploads.map(({ Key = '' }) => Key);
  } finally {
    client.destroy();
  }
}

/** MinIO lists open uploads of one key only, so its folder is looked at: `.minio.sys/multipart/HASH/UPLOAD`. */
export async function openUploadsOfMinio(folder: string): Promise<string[]> {
  const root = join(folder, '.minio.sys/multipart');
  const uploads: string[] = [];
  for (const hash of await readdir(root))
    for (const upload of await readdir(join(root, hash))) uploads.push(`${hash}/${upload}`);
  return uploads;
}
