/** What a file cannot say of an object: ETag, headers, checksum, tags. One small file an object, in the own folder. */

import { hash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../errors.js';
import type { ObjectAddress } from '../port.js';
import type { FileStamp } from './file-stamp.js';
import { OWN_FOLDER } from './placement.js';
import { makeTemporary } from './temporary.js';

export interface StoredChecksum {
  /** As in `x-amz-checksum-<name>`: `crc32`, `sha256` … */
  readonly algorithm: string;
  /** As S3 writes it: base64, for a composite one followed by `-` and the count of parts. */
  readonly value: string;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
}

export interface StoredPart {
  readonly partNumber: number;
  readonly size: number;
  readonly checksum?: string;
}

export type Tag = readonly [key: string, value: string];

export interface ObjectRecord {
  /** Without quotes. */
  readonly etag: string;
  /** Said again with every answer: content headers, `x-amz-meta-*`, encryption. Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum?: StoredChecksum;
  readonly tags?: readonly Tag[];
  /** Of an object that was uploaded in parts. */
  readonly parts?: readonly StoredPart[];
  /** The upload that made it: completing it once more changes nothing. */
  readonly uploadId?: string;
}

/** The file says for whom it is, so that a sweep can tell whether anybody needs it. */
interface RecordFile extends ObjectRecord {
  readonly key: string;
}

/**
 * The record's name is made of the key and of the state of the object's file. So an object and the one that replaces
 * it never share a record, a record can be written before its object shows, and one file read finds it.
 */
export function recordPath(root: string, address: ObjectAddress, stamp: FileStamp): string {
  const { ino, mtimeNs, size } = stamp;
  const name = hash('sha256', `${address.key}\0${String(ino)} ${String(mtimeNs)} ${String(size)}`);
  return `${recordFolder(root, address.bucket)}/${name.slice(0, 2)}/${name.slice(2, 42)}`;
}

export function recordFolder(root: string, bucket: string): string {
  return join(root, OWN_FOLDER, 'meta', bucket);
}

/** The record for this state of the object's file; null for a file by hand, or changed by hand. */
export type ReadRecord = (root: string, address: ObjectAddress, stamp: FileStamp) => ObjectRecord | null;

export const readRecord: ReadRecord = (root, address, stamp) => {
  const path = recordPath(root, address, stamp);
  // A missing file is no exception here, and an exception costs more than this look.
  return lstatSync(path, { throwIfNoEntry: false }) === undefined ? null : readRecordFile(path);
};

/** Null for a file that is gone or is no record. */
export function readRecordFile(path: string): ObjectRecord | null {
  try {
    return parseRecord(readFileSync(path, 'utf8'));
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

function parseRecord(text: string): RecordFile | null {
  try {
    const value = JSON.parse(text) as Partial<RecordFile> | null;
    return typeof value?.etag === 'string' && typeof value.key === 'string' && value.headers !== undefined
      ? (value as RecordFile)
      : null;
  } catch {
    return null;
  }
}

export interface RecordWriting {
  readonly root: string;
  readonly address: ObjectAddress;
  /** Of the object's file. */
  readonly stamp: FileStamp;
  readonly record: ObjectRecord;
}

/** Writes the record of a file that is not visible yet: nobody can read it half written. */
export function writeRecord(writing: RecordWriting): void {
  const { path, text } = recordFile(writing);
  try {
    writeFileSync(path, text);
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** Replaces the record of a visible object, in one step. */
export function replaceRecord(writing: RecordWriting): void {
  const { path, text } = recordFile(writing);
  const temporary = makeTemporary(writing.root, descriptor => {
    writeFileSync(descriptor, text);
  });
  try {
    mkdirSync(dirname(path), { recursive: true });
    renameSync(temporary.path, path);
  } catch (thrown) {
    rmSync(temporary.path, { force: true });
    throw thrown;
  }
}

function recordFile({ root, address, stamp, record }: RecordWriting): {
  readonly path: string;
  readonly text: string;
} {
  return {
    path: recordPath(root, address, stamp),
    text: JSON.stringify({ key: address.key, ...record } satisfies RecordFile),
  };
}

export function removeRecord(root: string, address: ObjectAddress, stamp: FileStamp): void {
  const path = recordPath(root, address, stamp);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  try {
    unlinkSync(path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
  }
}

/** A record this young may belong to an object that is about to show. */
const SETTLED_MS = 3600 * 1000;

/**
 * Removes the records of objects that are gone (deleted or changed by hand), and returns how many. `stampsOf` gives
 * the stamps of the files that hold a key now; `now` in milliseconds since 1970.
 */
export async function sweepRecords({
  root,
  now,
  stampsOf,
}: {
  readonly root: string;
  readonly now: number;
  readonly stampsOf: (address: ObjectAddress) => readonly FileStamp[];
}): Promise<number> {
  let removed = 0;
  for (const bucket of await names(join(root, OWN_FOLDER, 'meta')))
    for (const shard of await names(recordFolder(root, bucket)))
      for (const name of await names(join(recordFolder(root, bucket), shard))) {
        const path = join(recordFolder(root, bucket), shard, name);
        const facts = await stat(path).catch(() => null);
        if (facts === null || now - facts.mtimeMs < SETTLED_MS) continue;
        const record = parseRecord(readFileSync(path, 'utf8'));
        const address = record === null ? null : { bucket, key: record.key };
        const needed =
          address !== null && stampsOf(address).some(stamp => recordPath(root, address, stamp) === path);
        if (needed) continue;
        await rm(path, { force: true });
        removed++;
      }
  return removed;
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return [];
    throw thrown;
  }
}
