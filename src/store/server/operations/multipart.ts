/** CreateMultipartUpload, UploadPart, UploadPartCopy, AbortMultipartUpload. */

import { closeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { modifiedAt } from '../../embedded/file-stamp.js';
import {
  createUpload,
  findUpload,
  placePart,
  removeUpload,
  type UploadAddress,
  type UploadHead,
} from '../../embedded/multipart-uploads.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { readRange, type ByteRange } from '../byte-range.js';
import { algorithmNamed, isCombinable, type Algorithm } from '../checksums.js';
import { addressOf, numberIn, receive, type Context } from '../context.js';
import { copyToFile, openCopySource } from '../copy-source.js';
import { algorithmIn } from '../declared-digests.js';
import { describedIn, encryptionOf, tagsIn } from '../object-headers.js';
import type { ReceivedFile } from '../receive-file.js';
import { headerOf, type S3Request } from '../request.js';
import { S3Error } from '../s3-error.js';
import { document, element, isoTime, quoted } from '../write-xml.js';
import { checksumElement } from './part-elements.js';

const MOST_PARTS = 10_000;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export function createMultipartUploadOperation({ request, store, now }: Context): Answer {
  const headers = describedIn(request);
  const checksum = checksumAsked(request);
  const uploadId = createUpload(store.root, request.bucket, {
    key: request.key,
    initiated: now,
    headers,
    tags: tagsIn(request),
    checksum,
  });
  return xmlAnswer(
    document('InitiateMultipartUploadResult', [
      element('Bucket', request.bucket),
      element('Key', request.key),
      element('UploadId', uploadId),
    ]),
    {
      ...encryptionOf(headers),
      ...(checksum === null
        ? {}
        : {
            'x-amz-checksum-algorithm': checksum.algorithm.toUpperCase(),
            'x-amz-checksum-type': checksum.type,
          }),
    },
  );
}

function checksumAsked(request: S3Request): UploadHead['checksum'] {
  const algorithm = algorithmIn(request, 'x-amz-checksum-algorithm');
  const asked = headerOf(request, 'x-amz-checksum-type');
  if (algorithm === null) {
    if (asked === undefined) return null;
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  const type = asked?.toUpperCase() ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE');
  const possible = type === 'FULL_OBJECT' ? isCombinable(algorithm) : algorithm !== 'crc64nvme';
  if ((type !== 'FULL_OBJECT' && type !== 'COMPOSITE') || !possible)
    throw new S3Error(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
    );
  return { algorithm, type };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export async function uploadPartOperation(context: Context): Promise<Answer> {
  const head = uploadOf(context);
  const part = partNumber(context.request);
  const file = await receive(context, algorithmOf(head));
  await keepPart(context, { part, file, head });
  return {
    status: 200,
    headers: {
      etag: quoted(file.md5),
      ...(file.checksum === null
        ? {}
        : { [`x-amz-checksum-${file.checksum.algorithm}`]: file.checksum.value }),
      ...encryptionOf(head.headers),
    },
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export async function uploadPartCopyOperation(context: Context): Promise<Answer> {
  const head = uploadOf(context);
  const part = partNumber(context.request);
  const source = openCopySource(context);
  try {
    const range = copyRange(context.request, source.size);
    const file = await copyToFile({ root: context.store.root, source, range, algorithm: algorithmOf(head) });
    await keepPart(context, { part, file, head });
    return xmlAnswer(
      document('CopyPartResult', [
        element('LastModified', isoTime(modifiedAt(file.stamp))),
        element('ETag', quoted(file.md5)),
        ...(file.checksum === null ? [] : [checksumElement(file.checksum)]),
      ]),
      encryptionOf(head.headers),
    );
  } finally {
    closeSync(source.descriptor);
  }
}

function copyRange(request: S3Request, size: number): ByteRange | null {
  const header = headerOf(request, 'x-amz-copy-source-range');
  if (header === undefined) return null;
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first) || Number(last) >= size)
    throw new S3Error('InvalidArgument', `Range specified is not valid for source object of size: ${size}`, {
      details: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: header },
    });
  return readRange(header, size);
}

async function keepPart(
  context: Context,
  { part, file, head }: { readonly part: number; readonly file: ReceivedFile; readonly head: UploadHead },
): Promise<void> {
  const { size, md5, checksum, path } = file;
  const other = checksum !== null && head.checksum !== null && head.checksum.algorithm !== checksum.algorithm;
  const placed =
    !other &&
    placePart(context.store.root, uploadAddress(context), {
      temporary: path,
      part: { partNumber: part, size, etag: md5, checksum },
    });
  if (placed) return;
  await rm(path, { force: true });
  if (other)
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${head.checksum.algorithm}, actual checksum Type: ${checksum.algorithm}`,
    );
  throw noSuchUpload(context);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export async function abortMultipartUploadOperation(context: Context): Promise<Answer> {
  uploadOf(context);
  if (!(await removeUpload(context.store.root, uploadAddress(context)))) throw noSuchUpload(context);
  return { status: 204 };
}

/** Throws NoSuchUpload. */
export function uploadOf(context: Context): UploadHead {
  const head = findUpload(context.store.root, uploadAddress(context));
  if (head === null) throw noSuchUpload(context);
  return head;
}

export function uploadAddress(context: Context): UploadAddress {
  return { ...addressOf(context), uploadId: context.request.query.get('uploadId') ?? '' };
}

export function noSuchUpload(context: Context): S3Error {
  return new S3Error('NoSuchUpload', undefined, { details: { UploadId: uploadAddress(context).uploadId } });
}

export function algorithmOf({ checksum }: UploadHead): Algorithm | null {
  return checksum === null ? null : algorithmNamed(checksum.algorithm);
}

function partNumber(request: S3Request): number {
  if (!request.query.has('partNumber'))
    throw new S3Error('InvalidArgument', 'This operation needs a partNumber.', {
      details: { ArgumentName: 'partNumber' },
    });
  return numberIn(request, 'partNumber', { least: 1, most: MOST_PARTS, without: 0 });
}
