/** CompleteMultipartUpload: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */

import { createHash } from 'node:crypto';
import {
  joinParts,
  listParts,
  removeUpload,
  type FoundPart,
  type UploadHead,
} from '../../embedded/multipart-uploads.js';
import { statObject } from '../../embedded/object-files.js';
import type { ObjectRecord, StoredChecksum } from '../../embedded/object-record.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { combineChecksums, startChecksum, type Algorithm } from '../checksums.js';
import { addressOf, receiveDocument, type Context } from '../context.js';
import { encryptionOf } from '../object-headers.js';
import { unquoted, writeCondition } from '../preconditions.js';
import { readXml, textIn, treesIn } from '../read-xml.js';
import { headerOf, type S3Request } from '../request.js';
import { S3Error } from '../s3-error.js';
import { document, element, quoted } from '../write-xml.js';
import { makeObject } from './make-object.js';
import { algorithmOf, noSuchUpload, uploadAddress, uploadOf } from './multipart.js';
import { checksumElement, checksumName } from './part-elements.js';

/** Of every part but the last. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const SMALLEST_PART = 5 * 1024 * 1024;
const MOST_PARTS = 10_000;

interface NamedPart {
  readonly partNumber: number;
  readonly etag: string;
  /** Undefined where the client names none. */
  readonly checksum: string | undefined;
}

export async function completeMultipartUploadOperation(context: Context): Promise<Answer> {
  const { store } = context;
  const address = uploadAddress(context);
  const condition = writeCondition(context.request);
  const body = await receiveDocument(context);
  const done = completedBefore(context);
  if (done !== null) return completed(context, done);
  const head = uploadOf(context);
  const named = readParts(body, head);
  const parts = chosenParts(named, await listParts(store.root, address));
  const checksum = await checksumOf(parts, head);
  assertSaid(context.request, { checksum, size: parts.reduce((sum, part) => sum + part.size, 0) });
  const record: ObjectRecord = {
    etag: `${hashOfParts(parts)}-${parts.length}`,
    headers: head.headers,
    ...(checksum === null ? {} : { checksum }),
    ...(head.tags.length === 0 ? {} : { tags: head.tags }),
    parts: parts.map(part => ({
      partNumber: part.partNumber,
      size: part.size,
      ...(part.checksum === null ? {} : { checksum: part.checksum.value }),
    })),
    uploadId: address.uploadId,
  };
  const file = await joinParts(store.root, parts);
  if (file === null) throw noSuchUpload(context);
  await makeObject(context, { file, record, condition });
  await removeUpload(store.root, address);
  return completed(context, record);
}

/** A client that did not hear the answer asks again. */
function completedBefore(context: Context): ObjectRecord | null {
  const record = statObject(context.store.root, addressOf(context))?.record;
  return record?.uploadId !== undefined && record.uploadId === uploadAddress(context).uploadId
    ? record
    : null;
}

function completed({ request: { bucket, key } }: Context, { etag, checksum, headers }: ObjectRecord): Answer {
  return xmlAnswer(
    document('CompleteMultipartUploadResult', [
      element('Location', `/${bucket}/${key}`),
      element('Bucket', bucket),
      element('Key', key),
      element('ETag', quoted(etag)),
      ...(checksum === undefined ? [] : [checksumElement(checksum), element('ChecksumType', checksum.type)]),
    ]),
    encryptionOf(headers),
  );
}

function readParts(body: Buffer, head: UploadHead): NamedPart[] {
  const tree = readXml(body, 'CompleteMultipartUpload');
  const algorithm = algorithmOf(head);
  const parts = treesIn(tree, 'Part').map(part => ({
    partNumber: Number(textIn(part, 'PartNumber')?.trim() ?? Number.NaN),
    etag: unquoted(textIn(part, 'ETag') ?? ''),
    checksum: algorithm === null ? undefined : textIn(part, checksumName(algorithm)),
  }));
  if (
    parts.length === 0 ||
    parts.length > MOST_PARTS ||
    parts.some(part => !Number.isInteger(part.partNumber))
  )
    throw new S3Error('MalformedXML');
  return parts;
}

/** Throws InvalidPartOrder, InvalidPart, EntityTooSmall. Parts that are not named do not become part of the object. */
function chosenParts(named: readonly NamedPart[], found: readonly FoundPart[]): FoundPart[] {
  const byNumber = new Map(found.map(part => [part.partNumber, part]));
  let before = 0;
  const chosen = named.map(({ partNumber, etag, checksum }) => {
    if (partNumber <= before) throw new S3Error('InvalidPartOrder');
    before = partNumber;
    const part = byNumber.get(partNumber);
    if (part?.etag !== etag || (checksum !== undefined && checksum !== part.checksum?.value))
      throw new S3Error('InvalidPart', undefined, {
        details: { PartNumber: String(partNumber), ETag: etag },
      });
    return part;
  });
  const small = chosen.slice(0, -1).find(part => part.size < SMALLEST_PART);
  if (small !== undefined)
    throw new S3Error('EntityTooSmall', undefined, {
      details: {
        ProposedSize: String(small.size),
        MinSizeAllowed: String(SMALLEST_PART),
        PartNumber: String(small.partNumber),
        ETag: small.etag,
      },
    });
  return chosen;
}

function hashOfParts(parts: readonly FoundPart[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(Buffer.from(part.etag, 'hex'));
  return hash.digest('hex');
}

async function checksumOf(parts: readonly FoundPart[], head: UploadHead): Promise<StoredChecksum | null> {
  const algorithm = algorithmOf(head);
  if (algorithm === null || head.checksum === null) return null;
  const values = parts.map(part => ({
    size: part.size,
    value: Buffer.from(part.checksum?.value ?? '', 'base64'),
  }));
  return head.checksum.type === 'FULL_OBJECT'
    ? { algorithm, type: 'FULL_OBJECT', value: combineChecksums(algorithm, values).toString('base64') }
    : {
        algorithm,
        type: 'COMPOSITE',
        value: `${await checksumOfChecksums(algorithm, values)}-${parts.length}`,
      };
}

async function checksumOfChecksums(
  algorithm: Algorithm,
  parts: readonly { readonly value: Buffer }[],
): Promise<string> {
  const checksum = await startChecksum(algorithm);
  for (const { value } of parts) checksum.update(value);
  return (await checksum.digest()).toString('base64');
}

/** What the client says of the whole: its checksum, its type, its size. */
function assertSaid(
  request: S3Request,
  { checksum, size }: { readonly checksum: StoredChecksum | null; readonly size: number },
): void {
  const type = headerOf(request, 'x-amz-checksum-type');
  if (type !== undefined && type !== checksum?.type)
    throw new S3Error('InvalidRequest', 'The checksum type is not the one that the upload was begun with.');
  const saidSize = headerOf(request, 'x-amz-mp-object-size');
  if (saidSize !== undefined && saidSize !== String(size))
    throw new S3Error(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${saidSize} does not match what was computed: ${size}`,
    );
  if (checksum === null) return;
  const said = headerOf(request, `x-amz-checksum-${checksum.algorithm}`);
  if (said !== undefined && said.replace(/-\d+$/, '') !== checksum.value.replace(/-\d+$/, ''))
    throw new S3Error(
      'BadDigest',
      `The ${checksum.algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    );
}
