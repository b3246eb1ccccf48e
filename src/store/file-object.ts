/** A file as an object: its ETag, and a copy of it that is known to be whole. */

import { hash } from 'node:crypto';
import { constants, lstatSync, type BigIntStats } from 'node:fs';
import { chmod, copyFile, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { asOptmlError, OptmlError, systemCode } from '../errors.js';
import type { ListedObject, ObjectAddress } from './port.js';

export interface FileFacts {
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
}

/**
 * Size and ETag of an ordinary file; null for what is missing or is a link, a folder, a FIFO or a device.
 */
export function statFile(path: string): FileFacts | null {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.isFile() === true ? factsOf(stats) : null;
}

/**
 * The ETag holds until the file changes, and costs no reading. It has the form of a multipart upload's
 * (`<hex>-1`), so no client takes it for an MD5.
 */
export function factsOf({ size, mtimeNs, ino }: Pick<BigIntStats, 'size' | 'mtimeNs' | 'ino'>): FileFacts {
  const digest = hash('sha256', `${String(size)} ${String(mtimeNs)} ${String(ino)}`);
  return { size: Number(size), etag: `${digest.slice(0, 32)}-1` };
}

export interface CopyRequest {
  /** The file that holds the object: no link. */
  readonly source: string;
  readonly object: ObjectAddress & ListedObject;
  readonly file: string;
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Above this a copy is made in pieces, so that it can be stopped and its progress seen. */
const PIECEWISE_FROM = 64 * 1024 * 1024;
const PIECE = 1024 * 1024;

/**
 * Copies an object's file into a new file of mode 0644, as a clone of the same blocks where the file system can.
 * Throws OBJECT_CHANGED when the source is not, before and after, what the listing said; OBJECT_UNPLACEABLE when
 * the new file exists already; DISK_FULL. On any failure no new file remains.
 */
export async function copyObjectFile({ source, object, file, signal, onBytes }: CopyRequest): Promise<void> {
  signal.throwIfAborted();
  const before = assertUnchanged(source, object);
  let made = false;
  try {
    const cloned = await copyAtOnce({ source, file, size: before.size });
    made = cloned;
    if (!cloned) {
      const target = await open(file, 'wx', 0o644);
      made = true;
      await copyInPieces({ source, target, signal, ...(onBytes === undefined ? {} : { onBytes }) });
    }
    await chmod(file, 0o644);
    if ((await stat(file)).size !== before.size) throw changed(object);
    assertUnchanged(source, { ...object, ...before });
    if (cloned && before.size > 0) onBytes?.(before.size);
  } catch (thrown) {
    if (made) await rm(file, { force: true });
    signal.throwIfAborted();
    throw explainCopyFailure(thrown, object, file);
  }
}

/** One call of the kernel; false where only a slow copy of a large file would be possible. */
async function copyAtOnce({
  source,
  file,
  size,
}: {
  readonly source: string;
  readonly file: string;
  readonly size: number;
}): Promise<boolean> {
  if (size < PIECEWISE_FROM) {
    await copyFile(source, file, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return true;
  }
  try {
    await copyFile(source, file, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') throw thrown;
    return false;
  }
}

async function copyInPieces({
  source,
  target,
  signal,
  onBytes,
}: {
  readonly source: string;
  readonly target: FileHandle;
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}): Promise<void> {
  await using writer = target;
  await using reader = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW);
  const piece = Buffer.allocUnsafeSlow(PIECE);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await reader.read(piece, 0, PIECE);
    if (bytesRead === 0) return;
    await writeAll(writer, piece.subarray(0, bytesRead));
    onBytes?.(bytesRead);
  }
}

/** Writes every byte at the file's end; one call of `write` may take fewer than it was given. */
export async function writeAll(target: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray((await target.write(rest)).bytesWritten);
}

/** What the file is; where the listing told nothing of it, any ordinary file is right. */
function assertUnchanged(source: string, object: ObjectAddress & ListedObject): FileFacts {
  const facts = statFile(source);
  if (facts === null) throw changed(object, 'it is gone');
  const { size, etag } = { ...facts, ...known(object) };
  if (facts.size !== size || facts.etag !== etag) throw changed(object);
  return facts;
}

function known({ size, etag }: ListedObject): Partial<FileFacts> {
  return { ...(size === null ? {} : { size }), ...(etag === null ? {} : { etag }) };
}

/** The error for an object that is no longer what the listing said, or not there where only a manifest named it. */
export function changed(
  object: ObjectAddress & Partial<ListedObject>,
  found = 'it is gone or has changed',
): OptmlError {
  if (object.etag === null)
    return new OptmlError(
      'OBJECT_CHANGED',
      `s3://${object.bucket}/${object.key}, which a manifest names, cannot be had (${found.replace('is gone', 'is not there')}): expected every object of a manifest to be there and to stay as it is; put it there, or mend the manifest.`,
    );
  return new OptmlError(
    'OBJECT_CHANGED',
    `s3://${object.bucket}/${object.key} is not what the listing showed (${found}): expected inputs to stay as they are while a job reads them; run it again.`,
  );
}

function explainCopyFailure(thrown: unknown, object: ObjectAddress, file: string): OptmlError {
  const code = systemCode(thrown);
  if (code === 'EEXIST') return alreadyThere(object, file);
  if (code === 'ENOENT' && thrown instanceof Error && !thrown.message.includes(file)) return changed(object);
  if (code === 'ELOOP') return changed(object);
  return asOptmlError(thrown);
}

/** The error for a file that a download would have to replace. */
export function alreadyThere(object: ObjectAddress, file: string): OptmlError {
  return new OptmlError(
    'OBJECT_UNPLACEABLE',
    `s3://${object.bucket}/${object.key} cannot be put at ${file}: something is there already, so two objects want one path; rename one of them.`,
  );
}
