import { OptmlError } from '../errors.js';

/** A place in S3: a bucket and a key or key prefix, which may be empty. */
export interface S3Location {
  readonly bucket: string;
  readonly key: string;
}

/**
 * As lenient as S3 once was (`MyBucket`, `my_bucket`), and never a name that a folder cannot have: no `..`, no leading
 * dot, which is where the embedded store keeps its own files.
 */
const BUCKET = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;

/** S3's own host names: `s3.REGION.amazonaws.com`, the older `s3-REGION` and `s3`, dual-stack, FIPS, and China's. */
const S3_HOST =
  /^(?:(?<bucket>.+)\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/;

/**
 * Reads `s3://bucket/key`, or S3's own `https://` addresses in both styles: `https://s3.REGION.amazonaws.com/bucket/key`
 * and `https://bucket.s3.REGION.amazonaws.com/key`. The key of `s3://` is taken as it stands; in `https://`, `%20` is a
 * blank, as in every URL. `member` is the place in the request, for the message.
 *
 * Errors: `REQUEST_INVALID`.
 */
export function parseS3Location(text: string, member: string): S3Location {
  const location = text.startsWith('https://') ? ofWebAddress(text) : ofS3Uri(text);
  if (location === undefined)
    throw new OptmlError(
      'REQUEST_INVALID',
      `${member} is '${text}', but an S3 address was expected: s3://bucket/prefix, or https:// with a host name of S3.`,
    );
  if (!BUCKET.test(location.bucket))
    throw new OptmlError('REQUEST_INVALID', `${member} is '${text}': ${bucketComplaint(location.bucket)}`);
  return location;
}

/** `s3://bucket/key`; an empty key leaves `s3://bucket/`. */
export function formatS3Uri(location: S3Location): string {
  return `s3://${location.bucket}/${location.key}`;
}

function ofS3Uri(text: string): S3Location | undefined {
  const rest = text.startsWith('s3://') ? text.slice('s3://'.length) : undefined;
  return rest === undefined ? undefined : ofPath(rest);
}

function ofWebAddress(text: string): S3Location | undefined {
  const { host, path } = /^https:\/\/(?<host>[^/?#]+)\/?(?<path>[^?#]*)$/.exec(text)?.groups ?? {};
  const inHost = host === undefined ? null : S3_HOST.exec(host);
  if (inHost === null || path === undefined) return undefined;
  const decoded = decode(path);
  if (decoded === undefined) return undefined;
  const bucket = inHost.groups?.['bucket'];
  return bucket === undefined ? ofPath(decoded) : { bucket, key: decoded };
}

function ofPath(path: string): S3Location {
  const slash = path.indexOf('/');
  return slash < 0 ? { bucket: path, key: '' } : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function bucketComplaint(bucket: string): string {
  if (bucket === '') return 'it names no bucket. Write s3://bucket/prefix.';
  if (bucket.startsWith('arn:'))
    return 'ARNs of access points are not known here. Write the name of the bucket, or the alias of the access point.';
  return `'${bucket}' cannot be a bucket: letters, digits, dots, hyphens and underscores are allowed, at most 255, no dot first.`;
}
