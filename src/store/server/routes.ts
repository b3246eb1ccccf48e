/** Which operation a request asks for: S3 routes by method, depth of the path, query and header. Tables as data. */

import { notImplemented, S3Error } from './s3-error.js';
import { headerOf, type S3Request } from './request.js';

type Scope = 'service' | 'bucket' | 'object';

interface Route {
  readonly operation: string;
  readonly scope: Scope;
  readonly method: string;
  /** Names that must be in the query. */
  readonly query: readonly string[];
  /** A header that must be there. */
  readonly header?: string;
}

const COPY = 'x-amz-copy-source';

/** The first that fits is it. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html */
const ROUTES = [
  { operation: 'ListBuckets', scope: 'service', method: 'GET', query: [] },
  { operation: 'GetBucketLocation', scope: 'bucket', method: 'GET', query: ['location'] },
  { operation: 'GetBucketVersioning', scope: 'bucket', method: 'GET', query: ['versioning'] },
  { operation: 'ListMultipartUploads', scope: 'bucket', method: 'GET', query: ['uploads'] },
  { operation: 'ListObjectsV2', scope: 'bucket', method: 'GET', query: ['list-type'] },
  { operation: 'ListObjects', scope: 'bucket', method: 'GET', query: [] },
  { operation: 'HeadBucket', scope: 'bucket', method: 'HEAD', query: [] },
  { operation: 'CreateBucket', scope: 'bucket', method: 'PUT', query: [] },
  { operation: 'DeleteBucket', scope: 'bucket', method: 'DELETE', query: [] },
  { operation: 'DeleteObjects', scope: 'bucket', method: 'POST', query: ['delete'] },
  { operation: 'ListParts', scope: 'object', method: 'GET', query: ['uploadId'] },
  { operation: 'GetObjectTagging', scope: 'object', method: 'GET', query: ['tagging'] },
  { operation: 'GetObjectAttributes', scope: 'object', method: 'GET', query: ['attributes'] },
  { operation: 'GetObject', scope: 'object', method: 'GET', query: [] },
  { operation: 'HeadObject', scope: 'object', method: 'HEAD', query: [] },
  { operation: 'UploadPartCopy', scope: 'object', method: 'PUT', query: ['uploadId'], header: COPY },
  { operation: 'UploadPart', scope: 'object', method: 'PUT', query: ['uploadId'] },
  { operation: 'PutObjectTagging', scope: 'object', method: 'PUT', query: ['tagging'] },
  { operation: 'CopyObject', scope: 'object', method: 'PUT', query: [], header: COPY },
  { operation: 'PutObject', scope: 'object', method: 'PUT', query: [] },
  { operation: 'AbortMultipartUpload', scope: 'object', method: 'DELETE', query: ['uploadId'] },
  { operation: 'DeleteObjectTagging', scope: 'object', method: 'DELETE', query: ['tagging'] },
  { operation: 'DeleteObject', scope: 'object', method: 'DELETE', query: [] },
  { operation: 'CreateMultipartUpload', scope: 'object', method: 'POST', query: ['uploads'] },
  { operation: 'CompleteMultipartUpload', scope: 'object', method: 'POST', query: ['uploadId'] },
] as const satisfies readonly Route[];

export type OperationName = (typeof ROUTES)[number]['operation'];

/** Sub-resources that S3 has and this store has not: what is got, put or deleted there. */
const UNBUILT: Readonly<Record<Exclude<Scope, 'service'>, Readonly<Record<string, string>>>> = {
  bucket: {
    abac: 'BucketAbac',
    accelerate: 'BucketAccelerateConfiguration',
    acl: 'BucketAcl',
    analytics: 'BucketAnalyticsConfiguration',
    cors: 'BucketCors',
    encryption: 'BucketEncryption',
    'intelligent-tiering': 'BucketIntelligentTieringConfiguration',
    inventory: 'BucketInventoryConfiguration',
    lifecycle: 'BucketLifecycleConfiguration',
    logging: 'BucketLogging',
    metadataConfiguration: 'BucketMetadataConfiguration',
    metadataTable: 'BucketMetadataTableConfiguration',
    metrics: 'BucketMetricsConfiguration',
    notification: 'BucketNotificationConfiguration',
    'object-lock': 'ObjectLockConfiguration',
    ownershipControls: 'BucketOwnershipControls',
    policy: 'BucketPolicy',
    policyStatus: 'BucketPolicyStatus',
    publicAccessBlock: 'PublicAccessBlock',
    replication: 'BucketReplication',
    requestPayment: 'BucketRequestPayment',
    session: 'Session',
    tagging: 'BucketTagging',
    versions: 'ObjectVersions',
    website: 'BucketWebsite',
  },
  object: {
    acl: 'ObjectAcl',
    annotation: 'ObjectAnnotation',
    encryption: 'ObjectEncryption',
    'legal-hold': 'ObjectLegalHold',
    renameObject: 'Object',
    restore: 'Object',
    retention: 'ObjectRetention',
    select: 'ObjectContent',
    torrent: 'ObjectTorrent',
  },
};

/** Where the operation's verb is not that of the method. */
const VERBS: Readonly<Record<string, string>> = {
  session: 'Create',
  versions: 'List',
  renameObject: 'Rename',
  restore: 'Restore',
  select: 'Select',
};
const METHOD_VERBS: Readonly<Record<string, string>> = {
  GET: 'Get',
  HEAD: 'Get',
  PUT: 'Put',
  DELETE: 'Delete',
};

/** Throws NotImplemented, which names the operation, for what S3 has and this store has not. */
export function route(request: S3Request): OperationName {
  const { method, query, bucket, key } = request;
  const scope: Scope = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object';
  if (scope !== 'service') refuseUnbuilt(scope, request);
  for (const one of ROUTES as readonly (Route & { readonly operation: OperationName })[])
    if (
      one.method === method &&
      one.scope === scope &&
      one.query.every(name => query.has(name)) &&
      (one.header === undefined || headerOf(request, one.header) !== undefined)
    )
      return one.operation;
  if (method === 'POST' && scope === 'bucket') throw notImplemented('PostObject');
  throw new S3Error('MethodNotAllowed', undefined, {
    details: { Method: method, ResourceType: scope.toUpperCase() },
  });
}

function refuseUnbuilt(scope: Exclude<Scope, 'service'>, { method, query }: S3Request): void {
  for (const name of query.keys()) {
    const noun = Object.hasOwn(UNBUILT[scope], name) ? UNBUILT[scope][name] : undefined;
    if (noun !== undefined) throw notImplemented(`${VERBS[name] ?? METHOD_VERBS[method] ?? 'Post'}${noun}`);
  }
  if (scope === 'bucket' && query.has('versioning') && method === 'PUT')
    throw notImplemented('PutBucketVersioning');
}
