/** The source of a copy: found, checked and read. */

import { createHash } from 'node:crypto';
import { closeSync, constants, read } from 'node:fs';
import { copyFile, open, rm, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { modifiedAt, sameStamp, stampHandle, stampOf } from '../embedded/file-stamp.js';
import { openObject, type OpenObject } from '../embedded/object-files.js';
import { createTemporary, temporaryPath } from '../embedded/temporary.js';
import { writeAll } from '../file-object.js';
import type { ObjectAddress } from '../port.js';
import type { ByteRange } from './byte-range.js';
import { startChecksum, type Algorithm } from './checksums.js';
import { assertBucket, LARGEST_PUT, type Context } from './context.js';
import { checkPreconditions } from './preconditions.js';
import type { ReceivedFile } from './receive-file.js';
import { decodePercent, headerOf } from './request.js';
import { notImplemented, S3Error } from './s3-error.js';

/** The object that `x-amz-copy-source` names, opened; the caller closes it. Throws as S3 does. */
export function openCopySource(context: Context): OpenObject & { readonly address: ObjectAddress } {
  const { request, store, caller } = context;
  const address = readCopySource(headerOf(request, 'x-amz-copy-source') ?? '');
  if (caller.key.may?.({ operation: 'GetObject', ...address }) === false) throw new S3Error('AccessDenied');
  assertBucket(context, address.bucket);
  const source = openObject(store.root, address);
  if (source === null) throw new S3Error('NoSuchKey', undefined, { details: { Key: address.key } });
  try {
    const validators = { etag: source.record.etag, modified: modifiedAt(source.stamp) };
    if (checkPreconditions(request, validators, 'x-amz-copy-source-') === 'unchanged')
      throw new S3Error('PreconditionFailed');
  } catch (thrown) {
    closeSync(source.descriptor);
    throw thrown;
  }
  return { ...source, address };
}

function readCopySource(header: string): ObjectAddress {
  const [path = '', query] = header.split(/\?(?=versionId=[^?]*$)/);
  if (query !== undefined && query !== 'versionId=null') throw new S3Error('NoSuchVersion');
  if (path.startsWith('arn:')) throw notImplemented('A copy source named by ARN');
  const decoded = decodePercent(path).replace(/^\//, '');
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1)
    throw new S3Error(
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      {
        details: { ArgumentName: 'x-amz-copy-source', ArgumentValue: header },
      },
    );
  return { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) };
}

const PIECE = 1024 * 1024;
const MD5 = /^[0-9a-f]{32}$/;

/**
 * Copies an opened object, or a range of it, into a finished file that nobody sees yet. Where nothing has to be
 * computed the kernel copies.
 */
export async function copyToFile({
  root,
  source,
  range,
  algorithm,
}: {
  readonly root: string;
  readonly source: OpenObject;
  readonly range: ByteRange | null;
  readonly algorithm: Algorithm | null;
}): Promise<ReceivedFile> {
  if ((range?.length ?? source.size) > LARGEST_PUT)
    throw new S3Error(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${LARGEST_PUT}`,
    );
  const { etag, checksum } = source.record;
  const known = range === null && MD5.test(etag) && (algorithm === null || algorithm === checksum?.algorithm);
  const cloned = known ? await cloneFile(root, source) : null;
  if (cloned !== null)
    return {
      ...cloned,
      size: source.size,
      md5: etag,
      checksum: algorithm === null || checksum === undefined ? null : { algorithm, value: checksum.value },
    };
  return await copyPieces({ root, source, range: range ?? { start: 0, length: source.size }, algorithm });
}

/** Null when the object was replaced meanwhile: the kernel copies by name. */
async function cloneFile(
  root: string,
  source: OpenObject,
): Promise<Pick<ReceivedFile, 'path' | 'stamp'> | null> {
  const path = temporaryPath(root);
  try {
    await copyFile(source.path, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const now = stampOf(source.path);
    await using handle = await open(path, 'r+');
    const stamp = await stampHandle(handle);
    if (now !== null && sameStamp(now, source.stamp) && Number(stamp.size) === source.size)
      return { path, stamp };
  } catch {
    // The copy that follows says what is wrong.
  }
  await rm(path, { force: true });
  return null;
}

async function copyPieces({
  root,
  source,
  range,
  algorithm,
}: {
  readonly root: string;
  readonly source: OpenObject;
  readonly range: ByteRange;
  readonly algorithm: Algorithm | null;
}): Promise<ReceivedFile> {
  const md5 = createHash('md5');
  const checksum = algorithm === null ? null : await startChecksum(algorithm);
  const { path, handle } = await createTemporary(root);
  try {
    await eachPiece({
      source,
      range,
      target: handle,
      onPiece(piece) {
        md5.update(piece);
        checksum?.update(piece);
      },
    });
    const stamp = await stampHandle(handle);
    await handle.close();
    return {
      path,
      stamp,
      size: range.length,
      md5: md5.digest('hex'),
      checksum:
        algorithm === null || checksum === null
          ? null
          : { algorithm, value: (await checksum.digest()).toString('base64') },
    };
  } catch (thrown) {
    await handle.close().catch(() => undefined);
    await rm(path, { force: true });
    throw thrown;
  }
}

const readInto = promisify(read);

async function eachPiece({
  source,
  range,
  target,
  onPiece,
}: {
  readonly source: OpenObject;
  readonly range: ByteRange;
  readonly target: FileHandle;
  readonly onPiece: (piece: Buffer) => void;
}): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE, Math.max(1, range.length)));
  for (let done = 0; done < range.length;) {
    const wanted = Math.min(buffer.length, range.length - done);
    const { bytesRead } = await readInto(source.descriptor, buffer, 0, wanted, range.start + done);
    if (bytesRead === 0)
      throw new S3Error('InternalError', 'The file of the source was cut off by hand meanwhile.');
    const piece = buffer.subarray(0, bytesRead);
    onPiece(piece);
    await writeAll(target, piece);
    done += bytesRead;
  }
}
