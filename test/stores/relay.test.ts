/** `optml up` with another server as its store: what clients see through it. */

import { Readable } from 'node:stream';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientsSuite } from './clients-suite.js';
import { startUp, type UpServer } from './endpoint.js';
import { sdkClient } from './subject.js';
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

  it('refuses what makes no sense, and goes on', async () => {
    const client = sdkClient(server);
    await client.send(new CreateBucketCommand({ Bucket: 'sense' }));
    const two = new PutObjectCommand({
      Bucket: 'sense',
      Key: 'k',
      Body: 'x',
      ChecksumCRC32: 'AAAAAA==',
      ChecksumSHA1: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    });
    await expect(client.send(two)).rejects.toThrow('Multiple checksum');
    await client.send(new PutObjectCommand({ Bucket: 'sense', Key: 'k', Body: 'x' }));
    client.destroy();
  });

  it.each(['a buffer', 'a stream'])(
    'gives the refusal of the other server for %s that it did not read',
    async how => {
      const client = sdkClient(server);
      const bytes = Buffer.alloc(30 * 1024 * 1024, 'x');
      const Body =
        how === 'a buffer' ? bytes : Readable.from([bytes.subarray(0, 1_000), bytes.subarray(1_000)]);
      await expect(
        client.send(new PutObjectCommand({ Bucket: 'missing', Key: 'k', Body, ContentLength: bytes.length })),
      ).rejects.toThrow('bucket does not exist');
      client.destroy();
    },
  );
});
