/** A real server as the product and its SDK reach it, also through something that stands before it. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { fixedCredentials } from '../../src/aws/credentials.js';
import type { ListedObject, Store } from '../../src/store/port.js';
import type { S3Limits } from '../../src/store/s3/client.js';
import { createS3Store } from '../../src/store/s3/s3-store.js';
import type { S3Address } from './server-program.js';

export function storeOf(
  { url, region, accessKeyId, secretAccessKey }: S3Address,
  limits: Partial<S3Limits> = {},
): Store {
  const credentials = fixedCredentials({ accessKeyId, secretAccessKey });
  return createS3Store({ name: `the store at ${url}`, url, region, credentials, limits });
}

export function sdkOf({ url, region, accessKeyId, secretAccessKey }: S3Address): S3Client {
  return new S3Client({
    endpoint: url,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  });
}

export async function makeBuckets(server: S3Address, ...names: readonly string[]): Promise<void> {
  const client = sdkOf(server);
  for (const name of names) await client.send(new CreateBucketCommand({ Bucket: name }));
  client.destroy();
}

export async function listedIn(store: Store, bucket: string, prefix: string): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  const { signal } = new AbortController();
  for await (const object of store.list({ bucket, key: prefix }, signal)) found.push(object);
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** For the command line. */
export function keysOf({ accessKeyId, secretAccessKey }: S3Address): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}
