/**
 * Uploads in parts. An upload is a folder in the own folder of the store; a part is a file whose name says all that is
 * known of it, so that one rename makes it count.
 */

import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../errors.js';
import { writeAll } from '../file-object.js';
import { compareKeys } from '../key-order.js';
import type { ObjectAddress } from '../port.js';
import { stampHandle, type FileStamp } from './file-stamp.js';
import type { Tag } from './object-record.js';
import { OWN_FOLDER } from './placement.js';
import { createTemporary, temporaryPath } from './temporary.js';

/** What was said when the upload began; it becomes the object's. */
export interface UploadHead {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly initiated: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: readonly Tag[];
  readonly checksum: { readonly algorithm: string; readonly type: 'FULL_OBJECT' | 'COMPOSITE' } | null;
}

export interface UploadAddress extends ObjectAddress {
  readonly uploadId: string;
}

export interface UploadedPart {
  readonly partNumber: number;
  readonly size: number;
  /** The MD5 in hex. */
  readonly etag: string;
  readonly checksum: { readonly algorithm: string; readonly value: string } | null;
}

export interface FoundPart extends UploadedPart {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

const UPLOAD_ID = /^[0-9a-f]{12}[A-Za-z0-9_-]{24}$/;
const HEAD_FILE = 'upload.json';

/** The folder of all uploads of a bucket. */
export function bucketUploads(root: string, bucket: string): string {
  return join(root, OWN_FOLDER, 'multipart', bucket);
}

function uploadFolder(root: string, { bucket, uploadId }: UploadAddress): string {
  return join(bucketUploads(root, bucket), uploadId);
}

/** Ids sort by the time at which their uploads began. */
export function createUpload(root: string, bucket: string, head: UploadHead): string {
  const uploadId = head.initiated.toString(16).padStart(12, '0') + randomBytes(18).toString('base64url');
  const folder = join(bucketUploads(root, bucket), uploadId);
  // It shows with its head in it.
  const unfinished = temporaryPath(root);
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(join(unfinished, HEAD_FILE), JSON.stringify(head));
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(unfinished, folder);
  return uploadId;
}

/** Null when there is no such upload of this key. */
export function findUpload(root: string, address: UploadAddress): UploadHead | null {
  if (!UPLOAD_ID.test(address.uploadId)) return null;
  const head = readHead(uploadFolder(root, address));
  return head?.key === address.key ? head : null;
}

function readHead(folder: string): UploadHead | null {
  try {
    return JSON.parse(readFileSync(join(folder, HEAD_FILE), 'utf8')) as UploadHead;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return null;
    throw thrown;
  }
}

/** All uploads of the bucket that are neither completed nor aborted, by key, then by the time of their begin. */
export async function listUploads(
  root: string,
  bucket: string,
): Promise<(UploadHead & { readonly uploadId: string })[]> {
  const found: (UploadHead & { readonly uploadId: string })[] = [];
  for (const uploadId of await names(bucketUploads(root, bucket))) {
    const head = UPLOAD_ID.test(uploadId) ? readHead(join(bucketUploads(root, bucket), uploadId)) : null;
    if (head !== null) found.push({ ...head, uploadId });
  }
  return found.sort((a, b) => compareKeys(a.key, b.key) || (a.uploadId < b.uploadId ? -1 : 1));
}

/** Makes a finished file a part; false when the upload is gone. A part of the same number gives way. */
export function placePart(
  root: string,
  address: UploadAddress,
  { part, temporary }: { readonly part: UploadedPart; readonly temporary: string },
): boolean {
  const { partNumber, etag, size, checksum } = part;
  const said =
    checksum === null ? '' : ` ${checksum.algorithm} ${Buffer.from(checksum.value).toString('base64url')}`;
  try {
    renameSync(temporary, join(uploadFolder(root, address), `${partNumber} ${etag} ${size}${said}`));
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return false;
    throw thrown;
  }
}

/** The parts that count now, by number: of two with the same number the one that came last. */
export async function listParts(root: string, address: UploadAddress): Promise<FoundPart[]> {
  const folder = uploadFolder(root, address);
  const newest = new Map<number, FoundPart & { readonly mtimeNs: bigint }>();
  for (const name of await names(folder)) {
    const part = parsePart(name);
    const path = join(folder, name);
    const stats = part === null ? undefined : lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (part === null || stats === undefined) continue;
    const { mtimeNs } = stats;
    const other = newest.get(part.partNumber);
    if (other === undefined || other.mtimeNs < mtimeNs)
      newest.set(part.partNumber, { ...part, path, mtimeNs, modified: Number(mtimeNs / 1_000_000n) });
  }
  return [...newest.values()].sort((a, b) => a.partNumber - b.partNumber);
}

function parsePart(name: string): UploadedPart | null {
  const [partNumber, etag, size, algorithm, value] = name.split(' ');
  if (partNumber === undefined || etag === undefined || size === undefined) return null;
  const checksum =
    algorithm === undefined || value === undefined
      ? null
      : { algorithm, value: Buffer.from(value, 'base64url').toString() };
  return { partNumber: Number(partNumber), etag, size: Number(size), checksum };
}

/** Bytes that are read and written in one call: few enough to stay in the processor's cache. */
const PIECE = 512 * 1024;

/**
 * Copies the parts into one new file. They stay until `removeUpload`: whoever dies before has lost nothing.
 * Null when one of them is gone, as after an abort.
 */
export async function joinParts(
  root: string,
  parts: readonly FoundPart[],
): Promise<{ readonly path: string; readonly stamp: FileStamp } | null> {
  const { path, handle } = await createTemporary(root);
  try {
    for (const part of parts) await append(part, handle);
    const stamp = await stampHandle(handle);
    await handle.close();
    return { path, stamp };
  } catch (thrown) {
    await handle.close();
    await rm(path, { force: true });
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

/** Reads one piece while the one before is written. */
async function append(part: FoundPart, target: FileHandle): Promise<void> {
  await using source = await open(part.path, 'r');
  const size = Math.min(PIECE, Math.max(1, part.size));
  let [piece, other] = [Buffer.allocUnsafe(size), Buffer.allocUnsafe(size)];
  let writing = Promise.resolve();
  try {
    for (let left = part.size; left > 0;) {
      const { bytesRead } = await source.read(piece, 0, Math.min(left, piece.length));
      if (bytesRead === 0) throw new Error(`${part.path} has ${left} bytes less than it had`);
      await writing;
      writing = writeAll(target, piece.subarray(0, bytesRead));
      writing.catch(() => undefined);
      [piece, other] = [other, piece];
      left -= bytesRead;
    }
  } finally {
    await writing;
  }
}

/** Ends an upload, in one step; false when it is gone already. */
export async function removeUpload(root: string, address: UploadAddress): Promise<boolean> {
  const aside = temporaryPath(root);
  await mkdir(dirname(aside), { recursive: true });
  try {
    await rename(uploadFolder(root, address), aside);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return false;
    throw thrown;
  }
  await rm(aside, { recursive: true, force: true });
  return true;
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return [];
    throw thrown;
  }
}
