/** The headers that are kept with an object and said again with it. */

import type { ObjectRecord, Tag } from '../embedded/object-record.js';
import { headerOf, queryPairs, type S3Request } from './request.js';
import { notImplemented, S3Error } from './s3-error.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
const CONTENT = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];
const KEPT = ['x-amz-website-redirect-location', 'x-amz-storage-class'];
const ENCRYPTION = [
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-context',
  'x-amz-server-side-encryption-bucket-key-enabled',
];
const METADATA = 'x-amz-meta-';
const METADATA_BYTES = 2048;
export const DEFAULT_TYPE = 'binary/octet-stream';

type Headers = Readonly<Record<string, string>>;

/** What the request says of the new object. Throws MetadataTooLarge, NotImplemented. */
export function describedIn(request: S3Request): Headers {
  return { ...contentIn(request), ...metadataIn(request), ...encryptionIn(request) };
}

/** Content headers and those of a class or a redirect; not what only holds for the copy that is made. */
export function contentIn(request: S3Request): Headers {
  const headers = { ...pick(request, [...CONTENT, ...KEPT]) };
  const encoding = withoutChunking(headers['content-encoding']);
  if (encoding === undefined) delete headers['content-encoding'];
  else headers['content-encoding'] = encoding;
  if (headers['x-amz-storage-class'] === 'STANDARD') delete headers['x-amz-storage-class'];
  return headers;
}

/** `aws-chunked` says how the body travelled, not what the object is. */
function withoutChunking(encoding: string | undefined): string | undefined {
  const codings = encoding?.split(',').map(coding => coding.trim());
  const kept = codings?.filter(coding => coding !== '' && coding.toLowerCase() !== 'aws-chunked') ?? [];
  return kept.length === 0 ? undefined : kept.join(',');
}

export function metadataIn(request: S3Request): Headers {
  const names = Object.keys(request.message.headers).filter(name => name.startsWith(METADATA));
  const metadata = pick(request, names);
  const bytes = Object.entries(metadata).reduce(
    (sum, [name, value]) => sum + name.length - METADATA.length + value.length,
    0,
  );
  if (bytes > METADATA_BYTES)
    throw new S3Error('MetadataTooLarge', undefined, {
      details: { Size: String(bytes), MaxSizeAllowed: String(METADATA_BYTES) },
    });
  return metadata;
}

/** Nothing is encrypted here; what was asked for is said again, as callers check it. */
export function encryptionIn(request: S3Request): Headers {
  const headers = pick(request, ENCRYPTION);
  const method = headers['x-amz-server-side-encryption'];
  if (method !== undefined && !['AES256', 'aws:kms', 'aws:kms:dsse'].includes(method))
    throw new S3Error('InvalidArgument', 'The encryption method specified is not supported', {
      details: { ArgumentName: 'x-amz-server-side-encryption', ArgumentValue: method },
    });
  return headers;
}

function pick(request: S3Request, names: readonly string[]): Headers {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = headerOf(request, name);
    if (value !== undefined && value !== '') found[name] = value;
  }
  return found;
}

/** Of an object's headers, those that a write answers with. */
export function encryptionOf(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => ENCRYPTION.includes(name)));
}

/** Of an object's headers, those that a copy takes over. */
export function withoutEncryption(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ENCRYPTION.includes(name) && name !== 'x-amz-storage-class'),
  );
}

export function checksumHeaders({ checksum }: Pick<ObjectRecord, 'checksum'>): Headers {
  return checksum === undefined
    ? {}
    : { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** Headers that ask for what is not here, where silence would be a lie. */
export function refuseUnbuiltHeaders(request: S3Request): void {
  for (const name of Object.keys(request.message.headers)) {
    if (
      name.startsWith('x-amz-server-side-encryption-customer-') ||
      name.includes('source-server-side-encryption-customer-')
    )
      throw notImplemented('Encryption with keys of the customer (SSE-C)');
    if (name.startsWith('x-amz-object-lock-')) throw notImplemented('Object Lock');
    if (name === 'x-amz-write-offset-bytes') throw notImplemented('Appending to an object');
    if (name.startsWith('x-amz-grant-')) throw new S3Error('AccessControlListNotSupported');
  }
  const acl = headerOf(request, 'x-amz-acl');
  if (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control')
    throw new S3Error('AccessControlListNotSupported');
  const version = request.query.get('versionId');
  if (version !== undefined && version !== 'null')
    throw new S3Error('NoSuchVersion', undefined, { details: { VersionId: version } });
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
const TAGS = 10;
const TAG_KEY_CHARACTERS = 128;
const TAG_VALUE_CHARACTERS = 256;

/** The tags in `x-amz-tagging`. */
export function tagsIn(request: S3Request): readonly Tag[] {
  const header = headerOf(request, 'x-amz-tagging');
  return header === undefined || header === '' ? [] : checkedTags(queryPairs(header));
}

/** Throws InvalidTag. */
export function checkedTags(tags: readonly Tag[]): readonly Tag[] {
  if (tags.length > TAGS) throw new S3Error('InvalidTag', `Object tags cannot be greater than ${TAGS}`);
  const keys = new Set<string>();
  for (const [key, value] of tags) {
    if (key === '' || key.length > TAG_KEY_CHARACTERS)
      throw new S3Error('InvalidTag', 'The TagKey you have provided is invalid');
    if (value.length > TAG_VALUE_CHARACTERS)
      throw new S3Error('InvalidTag', 'The TagValue you have provided is invalid');
    if (keys.has(key)) throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key');
    keys.add(key);
  }
  return tags;
}
