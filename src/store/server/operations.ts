/** Which function does which operation. */

import type { Answer } from './answer.js';
import type { Context } from './context.js';
import * as buckets from './operations/buckets.js';
import { completeMultipartUploadOperation } from './operations/complete-upload.js';
import { copyObjectOperation } from './operations/copy-object.js';
import { deleteObjectOperation, deleteObjectsOperation } from './operations/delete-objects.js';
import { getObjectAttributesOperation } from './operations/get-attributes.js';
import { getObjectOperation, headObjectOperation } from './operations/get-object.js';
import { listObjectsOperation, listObjectsV2Operation } from './operations/list-objects.js';
import { listMultipartUploadsOperation, listPartsOperation } from './operations/list-uploads.js';
import * as multipart from './operations/multipart.js';
import { putObjectOperation } from './operations/put-object.js';
import * as tagging from './operations/tagging.js';
import type { OperationName } from './routes.js';

export type Operation = (context: Context) => Answer | Promise<Answer>;

export const OPERATIONS: Readonly<Record<OperationName, Operation>> = {
  ListBuckets: buckets.listBucketsOperation,
  CreateBucket: buckets.createBucketOperation,
  HeadBucket: buckets.headBucketOperation,
  DeleteBucket: buckets.deleteBucketOperation,
  GetBucketLocation: buckets.getBucketLocationOperation,
  GetBucketVersioning: buckets.getBucketVersioningOperation,
  ListObjects: listObjectsOperation,
  ListObjectsV2: listObjectsV2Operation,
  PutObject: putObjectOperation,
  GetObject: getObjectOperation,
  HeadObject: headObjectOperation,
  CopyObject: copyObjectOperation,
  DeleteObject: deleteObjectOperation,
  DeleteObjects: deleteObjectsOperation,
  CreateMultipartUpload: multipart.createMultipartUploadOperation,
  UploadPart: multipart.uploadPartOperation,
  UploadPartCopy: multipart.uploadPartCopyOperation,
  AbortMultipartUpload: multipart.abortMultipartUploadOperation,
  CompleteMultipartUpload: completeMultipartUploadOperation,
  ListParts: listPartsOperation,
  ListMultipartUploads: listMultipartUploadsOperation,
  GetObjectTagging: tagging.getObjectTaggingOperation,
  PutObjectTagging: tagging.putObjectTaggingOperation,
  DeleteObjectTagging: tagging.deleteObjectTaggingOperation,
  GetObjectAttributes: getObjectAttributesOperation,
};
