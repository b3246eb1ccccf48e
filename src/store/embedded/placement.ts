/** Where the embedded store keeps a key: as the file of that path, or, where no path can say it, apart. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { OptmlError } from '../../errors.js';
import type { ObjectAddress } from '../port.js';

/** The store's own folder in its root: no bucket can have this name. */
export const OWN_FOLDER = '.optml';

/** S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const KEY_BYTES = 1024;
const NAME_BYTES = 255;

/** As lenient as AWS once was, and safe as the name of a folder. */
const BUCKET_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{2,254}$/;

export function isBucketName(bucket: string): boolean {
  return BUCKET_NAME.test(bucket);
}

export function bucketFolder(root: string, bucket: string): string {
  return join(root, bucket);
}

/** Is the bucket there? A link in its place is not a bucket. */
export function bucketExists(root: string, bucket: string): boolean {
  return isBucketName(bucket) && isFolder(bucketFolder(root, bucket));
}

/** The path that the key spells; null when a file system cannot hold the key as a path. */
export function plainPath(root: string, { bucket, key }: ObjectAddress): string | null {
  return key.split('/').every(isFileName) ? `${bucketFolder(root, bucket)}/${key}` : null;
}

function isFileName(segment: string): boolean {
  return (
    segment !== '' &&
    segment !== '.' &&
    segment !== '..' &&
    !segment.includes('\0') &&
    (segment.length <= NAME_BYTES / 3 || Buffer.byteLength(segment) <= NAME_BYTES)
  );
}

/** Do real folders, and no links, lead from the bucket to the object's file? */
export function leadsThroughFolders(root: string, { bucket, key }: ObjectAddress): boolean {
  const folder = bucketFolder(root, bucket);
  for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1))
    if (!isFolder(`${folder}/${key.slice(0, slash)}`)) return false;
  return true;
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Room for the longest suffix in a name of 255 bytes. */
const PIECE_CHARACTERS = 240;

/** The folder for the keys of one bucket that are no paths. */
export function oddFolder(root: string, bucket: string): string {
  return join(root, OWN_FOLDER, 'odd', bucket);
}

/**
 * The key, percent-encoded, in pieces: folders end with `+`, the file ends with `=`. No encoded piece has these
 * characters, so no two keys meet and no key needs a file where another needs a folder.
 */
export function oddPath(root: string, { bucket, key }: ObjectAddress): string {
  const encoded = encodeURIComponent(key);
  const pieces: string[] = [];
  for (let at = 0; at < encoded.length; at += PIECE_CHARACTERS)
    pieces.push(`${encoded.slice(at, at + PIECE_CHARACTERS)}+`);
  const last = pieces.pop() ?? '+';
  return [oddFolder(root, bucket), ...pieces, `${last.slice(0, -1)}=`].join('/');
}

/** The key of a file below `oddFolder`, whose relative path is given; null for a file that `oddPath` never made. */
export function keyOfOddPath(path: string): string | null {
  if (!path.endsWith('=')) return null;
  try {
    return decodeURIComponent(path.slice(0, -1).replaceAll('+/', ''));
  } catch {
    return null;
  }
}

/** Throws OBJECT_UNPLACEABLE for a key that S3 itself does not take. */
export function assertStorable({ bucket, key }: ObjectAddress): void {
  const bytes = Buffer.byteLength(key);
  const wrong =
    bytes === 0
      ? 'its key is empty'
      : bytes > KEY_BYTES
        ? `its key has ${bytes} bytes`
        : Buffer.from(key).toString() !== key
          ? 'its key is not valid Unicode'
          : null;
  if (wrong !== null)
    throw new OptmlError(
      'OBJECT_UNPLACEABLE',
      `s3://${bucket}/${key} cannot be an object (${wrong}): S3 takes keys of 1 to ${KEY_BYTES} bytes of UTF-8; choose another name.`,
    );
}
