/** ListBuckets, CreateBucket, HeadBucket, DeleteBucket, and what a bucket says of itself. */

import { createBucket, deleteBucket, listBuckets } from '../../embedded/buckets.js';
import { isBucketName } from '../../embedded/placement.js';
import { compareKeys } from '../../key-order.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { numberIn, receiveDocument, type Context } from '../context.js';
import { readXml } from '../read-xml.js';
import { S3Error } from '../s3-error.js';
import { document, element, isoTime, join } from '../write-xml.js';
import { OWNER } from './owner.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
export async function listBucketsOperation({ request, store, caller }: Context): Promise<Answer> {
  const { query } = request;
  const most = numberIn(request, 'max-buckets', { least: 1, most: 10_000, without: 10_000 });
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = token === undefined ? '' : Buffer.from(token, 'base64url').toString();
  const { key } = caller;
  const all = (await listBuckets(store.root)).filter(
    ({ name }) =>
      name.startsWith(prefix) &&
      compareKeys(name, after) > 0 &&
      (key.may === undefined || key.may({ operation: 'HeadBucket', bucket: name, key: '' })),
  );
  const page = all.slice(0, most);
  const last = page.at(-1);
  return xmlAnswer(
    document('ListAllMyBucketsResult', [
      OWNER,
      element(
        'Buckets',
        join(
          page.map(({ name, created }) =>
            element(
              'Bucket',
              join([
                element('Name', name),
                element('CreationDate', isoTime(created)),
                element('BucketRegion', query.has('max-buckets') ? store.region : undefined),
              ]),
            ),
          ),
        ),
      ),
      element('Prefix', query.has('prefix') ? prefix : undefined),
      element(
        'ContinuationToken',
        last !== undefined && all.length > page.length
          ? Buffer.from(last.name).toString('base64url')
          : undefined,
      ),
    ]),
  );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
export async function createBucketOperation(context: Context): Promise<Answer> {
  const { request, store } = context;
  const { bucket } = request;
  const body = await receiveDocument(context);
  if (body.length > 0) readXml(body, 'CreateBucketConfiguration');
  if (!isBucketName(bucket))
    throw new S3Error('InvalidBucketName', undefined, { details: { BucketName: bucket } });
  // In us-east-1 making one's own bucket again is no error.
  if ((await createBucket(store.root, bucket)) === 'exists' && store.region !== 'us-east-1')
    throw new S3Error('BucketAlreadyOwnedByYou', undefined, { details: { BucketName: bucket } });
  return { status: 200, headers: { location: `/${bucket}` } };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
export function headBucketOperation({ store }: Context): Answer {
  return { status: 200, headers: { 'x-amz-bucket-region': store.region } };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html */
export async function deleteBucketOperation({ request, store }: Context): Promise<Answer> {
  if ((await deleteBucket(store.root, request.bucket, store.names)) === 'not empty')
    throw new S3Error('BucketNotEmpty', undefined, { details: { BucketName: request.bucket } });
  return { status: 204 };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html: us-east-1 has no constraint. */
export function getBucketLocationOperation({ store }: Context): Answer {
  const constraint = store.region === 'us-east-1' ? '' : store.region;
  return xmlAnswer(document('LocationConstraint', [{ xml: constraint }]));
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html: never switched on. */
export function getBucketVersioningOperation(): Answer {
  return xmlAnswer(document('VersioningConfiguration', []));
}
