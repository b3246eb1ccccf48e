/** What passes through the relay to a store that takes its time. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { fixedCredentials } from '../../../src/aws/credentials.js';
import { createS3Relay } from '../../../src/store/server/s3-relay.js';
import { ACCESS_KEY, BUCKET, createClient, REGION, SECRET_KEY } from './harness.js';

const MIB = 1024 * 1024;

it('a large body that is taken slowly leaves no listeners behind', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', warned);
  let bytes = 0;
  const store = createServer((message, answer) => {
    message.on('data', (piece: Buffer) => {
      bytes += piece.length;
      message.pause();
      setImmediate(() => message.resume());
    });
    message.on('end', () => answer.end('<ListBucketResult/>'));
  }).listen(0, '127.0.0.1');
  await once(store, 'listening');
  const relay = createS3Relay({
    url: `http://127.0.0.1:${(store.address() as AddressInfo).port}`,
    region: REGION,
    credentials: fixedCredentials({ accessKeyId: 'AK', secretAccessKey: 'SK' }),
    keys: id => (id === ACCESS_KEY ? { secretAccessKey: SECRET_KEY } : null),
    hosts: ['localhost'],
  });
  const { port } = await relay.listen('127.0.0.1', 0);
  const client = createClient(`http://127.0.0.1:${port}`);
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: Buffer.alloc(32 * MIB, 'x') }));
  expect(bytes).toBeGreaterThanOrEqual(32 * MIB);
  client.destroy();
  await relay.close();
  store.closeAllConnections();
  process.off('warning', warned);
  expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
});
