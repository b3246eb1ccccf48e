/** GetObject and HeadObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */

import { closeSync, readSync } from 'node:fs';
import { modifiedAt } from '../../embedded/file-stamp.js';
import { openObject, statObject, type StoredObject } from '../../embedded/object-files.js';
import type { Answer, FilePiece } from '../answer.js';
import { readRange, type ByteRange } from '../byte-range.js';
import { addressOf, numberIn, type Context } from '../context.js';
import { checksumHeaders, DEFAULT_TYPE } from '../object-headers.js';
import { checkPreconditions, unquoted } from '../preconditions.js';
import { headerOf, type S3Request } from '../request.js';
import { S3Error } from '../s3-error.js';
import { quoted } from '../write-xml.js';

/** Up to here an object is read at once, which is faster than any stream. */
const AT_ONCE = 256 * 1024;

export function getObjectOperation(context: Context): Answer {
  const { root, readRecord } = context.store;
  const found = openObject(root, addressOf(context), readRecord);
  if (found === null) throw noSuchKey(context);
  const { descriptor } = found;
  let kept = false;
  try {
    const { status, headers, start, length } = describe(context.request, found);
    if (status === 304) return { status, headers };
    const piece = { descriptor, start, length };
    if (length <= AT_ONCE) return { status, headers, body: readPiece(piece) };
    kept = true;
    return { status, headers, body: piece };
  } finally {
    if (!kept) closeSync(descriptor);
  }
}

export function headObjectOperation(context: Context): Answer {
  const { root, readRecord } = context.store;
  const found = statObject(root, addressOf(context), readRecord);
  if (found === null) throw noSuchKey(context);
  const { status, headers, length } = describe(context.request, found);
  return { status, headers, length };
}

export function noSuchKey({ request }: Pick<Context, 'request'>): S3Error {
  return new S3Error('NoSuchKey', undefined, { details: { Key: request.key } });
}

function readPiece({ descriptor, start, length }: FilePiece): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length;) {
    const count = readSync(descriptor, bytes, filled, length - filled, start + filled);
    if (count === 0)
      throw new S3Error('InternalError', 'The file of the object was cut off by hand meanwhile.');
    filled += count;
  }
  return bytes;
}

interface Head extends ByteRange {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

function describe(request: S3Request, found: StoredObject): Head {
  const { record, size, stamp } = found;
  const modified = modifiedAt(stamp);
  const validators = {
    etag: quoted(record.etag),
    'last-modified': new Date(modified).toUTCString(),
  };
  if (checkPreconditions(request, { etag: record.etag, modified }) === 'unchanged')
    return { status: 304, headers: validators, start: 0, length: 0 };
  const part = partAsked(request, found);
  const range = part ?? readRange(rangeHeader(request, record.etag, modified), size);
  const whole = { start: 0, length: size };
  const { start, length } = range ?? whole;
  const headers: Record<string, string> = { 'accept-ranges': 'bytes', 'content-type': DEFAULT_TYPE };
  Object.assign(headers, record.headers, validators);
  if (range !== null) headers['content-range'] = `bytes ${start}-${start + length - 1}/${size}`;
  if (part !== null && record.parts !== undefined)
    headers['x-amz-mp-parts-count'] = String(record.parts.length);
  if (record.tags !== undefined && record.tags.length > 0)
    headers['x-amz-tagging-count'] = String(record.tags.length);
  if (range === null && headerOf(request, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED')
    Object.assign(headers, checksumHeaders(record));
  Object.assign(headers, overrides(request));
  return { status: range === null ? 200 : 206, headers, start, length };
}

/** `If-Range` takes the range back when the object is another one. */
function rangeHeader(request: S3Request, etag: string, modified: number): string | undefined {
  const condition = headerOf(request, 'if-range');
  const holds = condition === undefined || unquoted(condition) === etag || Date.parse(condition) >= modified;
  return holds ? headerOf(request, 'range') : undefined;
}

/** `?partNumber=N` is the range of that part. An object that was put in one piece is its part 1. */
function partAsked(request: S3Request, { size, record }: StoredObject): ByteRange | null {
  if (!request.query.has('partNumber')) return null;
  const partNumber = numberIn(request, 'partNumber', { least: 1, most: 10_000, without: 1 });
  let start = 0;
  for (const [index, part] of (record.parts ?? [{ size }]).entries()) {
    // Parts of a finished object are counted anew.
    if (index + 1 === partNumber) return size === 0 ? null : { start, length: part.size };
    start += part.size;
  }
  throw new S3Error('InvalidPartNumber', undefined, {
    details: { PartNumberRequested: String(partNumber), ActualPartCount: String(record.parts?.length ?? 1) },
  });
}

const OVERRIDES = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
];
const HEADER_TEXT = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

function overrides({ query }: S3Request): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of OVERRIDES) {
    const value = query.get(`response-${name}`);
    if (value === undefined) continue;
    if (!HEADER_TEXT.test(value))
      throw new S3Error('InvalidArgument', 'Header value cannot be represented using ISO-8859-1.', {
        details: { ArgumentName: `response-${name}`, ArgumentValue: value },
      });
    headers[name] = value;
  }
  return headers;
}
