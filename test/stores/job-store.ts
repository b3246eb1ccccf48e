/** Where the objects of jobs lie in a store under test, and how a job is pointed there. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { scratch } from '../harness/optml.js';
import { TOOLS, type S3Address } from '../store/server-program.js';
import { sdkClient } from './subject.js';

export interface JobPlace {
  readonly home: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface JobStore {
  place(): Promise<JobPlace>;
  write(key: string, content: string): Promise<void>;
  read(key: string): Promise<Buffer>;
  close(): Promise<void>;
}

export const JOB_BUCKET = 'jobs';

/** A server is asked over S3, by a client of others. */
export async function serverJobStore(address: S3Address): Promise<JobStore> {
  const client = sdkClient(address);
  const Bucket = JOB_BUCKET;
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    place: async () => ({
      home: await scratch('home'),
      args: ['--store', address.url],
      env: { AWS_ACCESS_KEY_ID: address.accessKeyId, AWS_SECRET_ACCESS_KEY: address.secretAccessKey },
    }),
    async write(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    },
    async read(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    async close() {
      client.destroy();
    },
  };
}

/** Objects of the embedded store are files of its home. */
export async function embeddedJobStore(): Promise<JobStore> {
  const parent = join(TOOLS, '../test');
  await mkdir(parent, { recursive: true });
  const home = await mkdtemp(join(parent, 'embedded-'));
  const fileOf = (key: string): string => join(home, 's3', JOB_BUCKET, key);
  return {
    place: () => Promise.resolve({ home, args: [], env: {} }),
    async write(key, content) {
      await mkdir(dirname(fileOf(key)), { recursive: true });
      await writeFile(fileOf(key), content);
    },
    read: key => readFile(fileOf(key)),
    close: () => rm(home, { recursive: true, force: true, maxRetries: 5 }),
  };
}
