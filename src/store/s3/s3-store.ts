/** The store on S3 itself, or on any server that speaks its protocol. */

import type { ObjectAddress, Store } from '../port.js';
import { createS3Client, type S3Client, type S3Endpoint } from './client.js';
import { downloadObject } from './download.js';
import { explain } from './explain.js';
import { S3Fault } from './fault.js';
import { createFileWriter } from './file-writer.js';
import { listObjects } from './list.js';
import { readObject } from './read-object.js';
import { abandonUpload } from './unfinished.js';
import { uploadObject } from './upload.js';

/** Nothing is sent before the first call of a method. */
export function createS3Store(endpoint: S3Endpoint): Store {
  const client = createS3Client(endpoint);
  const files = createFileWriter();
  return {
    name: endpoint.name,
    list: (prefix, signal) => listObjects(client, prefix, signal),
    download: (object, file, options) => downloadObject(client, files, { object, file, ...options }),
    read: (object, signal) => readObject(client, { object, signal }),
    upload: (address, body, options) => uploadObject(client, { address, body, options }),
    remove: (address, signal) => removeObject(client, address, signal),
    abandon: (upload, signal) => abandonUpload(client, upload, signal),
    prepareOutput: (prefix, signal) => assertBucketThere(client, prefix, signal),
    locate: () => null,
    check: signal => assertAnswers(client, signal),
    async close() {
      client.close();
      await files.close();
    },
  };
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html: keys that may not list buckets are known keys, too.
 */
async function assertAnswers(client: S3Client, signal: AbortSignal): Promise<void> {
  try {
    await client.call({ method: 'GET', bucket: '', signal });
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof S3Fault && thrown.code === 'AccessDenied') return;
    throw explain(thrown, client.endpoint, { verb: 'list', address: { bucket: '', key: '' } });
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
async function removeObject(client: S3Client, address: ObjectAddress, signal: AbortSignal): Promise<void> {
  try {
    await client.call({ method: 'DELETE', ...address, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof S3Fault && thrown.code === 'NoSuchKey') return;
    throw explain(thrown, client.endpoint, { verb: 'remove', address });
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
async function assertBucketThere(
  client: S3Client,
  address: ObjectAddress,
  signal: AbortSignal,
): Promise<void> {
  const { bucket } = address;
  try {
    await client.call({ method: 'HEAD', bucket, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    const attempted = { verb: 'look for', address } as const;
    if (!(thrown instanceof S3Fault) || thrown.status === 0 || thrown.kind === 'again')
      throw explain(thrown, client.endpoint, attempted);
    // The answer to a HEAD has no body, so it does not say why: ask in a way that has one. (For a page of no keys at all,
    // MinIO does not look for the bucket.)
    const fault = await client
      .call({ method: 'GET', bucket, query: { 'list-type': '2', 'max-keys': '1' }, signal })
      .then(
        () => thrown,
        (second: unknown) => second,
      );
    signal.throwIfAborted();
    throw explain(fault, client.endpoint, attempted);
  }
}
