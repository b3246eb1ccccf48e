/** What the client says the body's digests are, in headers; trailers come later. */

import { ALGORITHMS, algorithmNamed, CHECKSUM_BYTES, type Algorithm } from './checksums.js';
import { headerOf, type S3Request } from './request.js';
import { notImplemented, S3Error } from './s3-error.js';

export interface DeclaredDigests {
  /** MD5 in hex. */
  readonly md5: string | null;
  /** `value` is null when it comes in a trailer. */
  readonly checksum: { readonly algorithm: Algorithm; readonly value: string | null } | null;
}

const CHECKSUM = 'x-amz-checksum-';
/** Headers that start like a checksum and are none. */
const OTHERS: readonly string[] = ['x-amz-checksum-mode', 'x-amz-checksum-algorithm', 'x-amz-checksum-type'];

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export function declaredDigests(request: S3Request): DeclaredDigests {
  return { md5: declaredMd5(request), checksum: declaredChecksum(request) };
}

function declaredMd5(request: S3Request): string | null {
  const header = headerOf(request, 'content-md5');
  if (header === undefined) return null;
  const bytes = Buffer.from(header, 'base64');
  if (bytes.length !== 16) throw new S3Error('InvalidDigest');
  return bytes.toString('hex');
}

function declaredChecksum(request: S3Request): DeclaredDigests['checksum'] {
  const names = Object.keys(request.message.headers).filter(
    name => name.startsWith(CHECKSUM) && !OTHERS.includes(name),
  );
  const trailer = headerOf(request, 'x-amz-trailer')?.trim().toLowerCase();
  if (trailer?.startsWith(CHECKSUM) === true) names.push(trailer);
  const [name] = names;
  if (names.length > 1)
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  if (name === undefined) {
    const asked = headerOf(request, 'x-amz-sdk-checksum-algorithm');
    if (asked === undefined) return null;
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  const algorithm = algorithmNamed(name.slice(CHECKSUM.length));
  if (algorithm === null) throw notImplemented(`The checksum ${name.slice(0, 100)}`);
  const value = name === trailer ? null : (headerOf(request, name)?.trim() ?? '');
  if (value !== null) assertChecksumForm(algorithm, value);
  return { algorithm, value };
}

/** Throws InvalidRequest for a value that cannot be one of the algorithm's. */
export function assertChecksumForm(algorithm: Algorithm, value: string): void {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length !== CHECKSUM_BYTES[algorithm] || bytes.toString('base64') !== value)
    throw new S3Error('InvalidRequest', `Value for ${CHECKSUM}${algorithm} header is invalid.`);
}

/** The algorithm that a header names, as `x-amz-checksum-algorithm` of CreateMultipartUpload; null without one. */
export function algorithmIn(request: S3Request, header: string): Algorithm | null {
  const name = headerOf(request, header);
  if (name === undefined) return null;
  const algorithm = algorithmNamed(name);
  if (algorithm !== null) return algorithm;
  throw new S3Error(
    'InvalidRequest',
    `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${ALGORITHMS.map(one => one.toUpperCase()).join(', ')}]`,
  );
}
