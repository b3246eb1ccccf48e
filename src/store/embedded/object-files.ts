/** The objects of the embedded store: find one, write one, remove one. */

import { closeSync, rmdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../../errors.js';
import { factsOf } from '../file-object.js';
import type { ObjectAddress } from '../port.js';
import { openFile, sameStamp, stampOf, type FileStamp } from './file-stamp.js';
import { readRecord, removeRecord, writeRecord, type ObjectRecord } from './object-record.js';
import { placeAtOnce } from './place-object.js';
import { bucketFolder, leadsThroughFolders, oddFolder, oddPath, plainPath } from './placement.js';
import { underLock } from './store-lock.js';

export interface ObjectFile {
  readonly path: string;
  readonly stamp: FileStamp;
}

/** The file that holds the object now; null when there is no such object. A plain file goes before one kept apart. */
export function findObject(root: string, address: ObjectAddress): ObjectFile | null {
  for (const path of placesOf(root, address)) {
    const stamp = stampOf(path);
    if (stamp !== null) return { path, stamp };
  }
  return null;
}

/** Where the object may lie, in this order. Computed one after the other: most objects lie at the first. */
function* placesOf(root: string, address: ObjectAddress): Generator<string> {
  const plain = plainPath(root, address);
  if (plain !== null && leadsThroughFolders(root, address)) yield plain;
  yield oddPath(root, address);
}

/** Of every file that holds the key now: there are two when one put by hand hides the other. */
export function stampsOf(root: string, address: ObjectAddress): FileStamp[] {
  return [...placesOf(root, address)].flatMap(path => stampOf(path) ?? []);
}

/** What is known of an object: the record that was written with it, or what its file alone tells. */
export interface StoredObject {
  readonly path: string;
  readonly stamp: FileStamp;
  readonly size: number;
  readonly record: ObjectRecord;
}

export function statObject(root: string, address: ObjectAddress, read = readRecord): StoredObject | null {
  for (let looks = 1; ; looks++) {
    const found = findObject(root, address);
    if (found === null) return null;
    const record = read(root, address, found.stamp);
    if (record !== null || isStill(found) || looks === MOST_LOOKS) return described(found, record);
  }
}

/**
 * Another process may replace an object, and remove what was recorded of it, between the look at the file and the look for the
 * record: a file without a record is looked at again, and only one that has changed once more.
 */
const MOST_LOOKS = 10;

function isStill({ path, stamp }: ObjectFile): boolean {
  const now = stampOf(path);
  return now !== null && sameStamp(now, stamp);
}

function described({ path, stamp }: ObjectFile, record: ObjectRecord | null): StoredObject {
  return {
    path,
    stamp,
    size: Number(stamp.size),
    record: record ?? { etag: factsOf(stamp).etag, headers: {} },
  };
}

export interface OpenObject extends StoredObject {
  /** The caller's to close. What it reads stays the same when the object is replaced. */
  readonly descriptor: number;
}

/** The object, opened; null when there is none. */
export function openObject(root: string, address: ObjectAddress, read = readRecord): OpenObject | null {
  for (let looks = 1; ; looks++) {
    const opened = openNow(root, address);
    if (opened === null) return null;
    const { descriptor, stamp } = opened;
    try {
      const record = read(root, address, stamp);
      if (record !== null || isStill(opened) || looks === MOST_LOOKS)
        return { descriptor, ...described(opened, record) };
    } catch (thrown) {
      closeSync(descriptor);
      throw thrown;
    }
    closeSync(descriptor);
  }
}

function openNow(
  root: string,
  address: ObjectAddress,
): (ObjectFile & { readonly descriptor: number }) | null {
  for (const path of placesOf(root, address)) {
    const opened = openFile(path);
    if (opened !== null) return { path, descriptor: opened.descriptor, stamp: opened.stamp };
  }
  return null;
}

/** What must hold of the object that is there, before anything is changed. */
export type Condition =
  | { readonly kind: 'none' }
  /** `If-None-Match: *` */
  | { readonly kind: 'absent' }
  /** `If-Match`: an ETag without quotes, or `*`. */
  | { readonly kind: 'etag'; readonly etag: string };

export type Outcome = 'done' | 'exists' | 'missing' | 'changed';

export const UNCONDITIONAL: Condition = { kind: 'none' };

export interface Writing {
  readonly root: string;
  readonly address: ObjectAddress;
  /** A finished file on the store's file system; it is gone afterwards when the outcome is `done`. */
  readonly temporary: string;
  readonly stamp: FileStamp;
  /** Null for an object of which nothing is to be said. */
  readonly record: ObjectRecord | null;
  readonly condition: Condition;
}

/**
 * Makes a finished file the object, together with its record. Of several conditional writers one wins, also among
 * processes.
 */
export function writeObject(writing: Writing): Outcome | Promise<Outcome> {
  const { root, address, condition } = writing;
  if (condition.kind === 'none') return writeNow(writing);
  return underLock(root, address, () => writeNow(writing));
}

function writeNow({ root, address, temporary, stamp, record, condition }: Writing): Outcome {
  const before = findObject(root, address);
  const refusal = refusalOf({ root, address, condition }, before);
  if (refusal !== null) return refusal;
  if (record !== null) writeRecord({ root, address, stamp, record });
  let placed: string | null = null;
  try {
    placed = placeAtOnce({ root, address, temporary, create: condition.kind === 'absent' });
  } finally {
    if (placed === null && record !== null) removeRecord(root, address, stamp);
  }
  if (placed === null) return 'exists';
  if (before !== null) removeRecord(root, address, before.stamp);
  return 'done';
}

/** Why the condition does not hold of the file that is there. */
function refusalOf(
  { root, address, condition }: Pick<Writing, 'root' | 'address' | 'condition'>,
  found: ObjectFile | null,
): Outcome | null {
  if (condition.kind === 'none') return null;
  if (condition.kind === 'absent') return found === null ? null : 'exists';
  if (found === null) return 'missing';
  if (condition.etag === '*') return null;
  const { record } = described(found, readRecord(root, address, found.stamp));
  return condition.etag === record.etag ? null : 'changed';
}

/**
 * Makes a finished temporary file the object, without a record, so that it is there also after a power cut. What was
 * recorded of the object that it replaces is forgotten.
 */
export async function placeObject(root: string, address: ObjectAddress, temporary: string): Promise<void> {
  const before = findObject(root, address);
  const path = placeAtOnce({ root, address, temporary, create: false });
  if (before !== null) removeRecord(root, address, before.stamp);
  if (path !== null) await syncFolder(dirname(path));
}

/** A rename is on the disk only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

/** Removes an object, and folders that are empty then; no error when it is not there. */
export async function removeObject(root: string, address: ObjectAddress): Promise<void> {
  await Promise.resolve(removeNow(root, address));
}

/** As `removeObject`, if the condition holds. */
export function deleteObject({
  root,
  address,
  condition,
}: Pick<Writing, 'root' | 'address' | 'condition'>): Outcome | Promise<Outcome> {
  if (condition.kind === 'none') return removeNow(root, address);
  return underLock(
    root,
    address,
    () => refusalOf({ root, address, condition }, findObject(root, address)) ?? removeNow(root, address),
  );
}

function removeNow(root: string, address: ObjectAddress): Outcome {
  const plain = plainPath(root, address);
  if (plain !== null && leadsThroughFolders(root, address)) {
    removeFile(root, address, plain);
    pruneUpTo(dirname(plain), bucketFolder(root, address.bucket));
  }
  const odd = oddPath(root, address);
  if (removeFile(root, address, odd)) pruneUpTo(dirname(odd), oddFolder(root, address.bucket));
  return 'done';
}

function removeFile(root: string, address: ObjectAddress, path: string): boolean {
  const stamp = stampOf(path);
  if (stamp === null) return false;
  rmSync(path, { force: true });
  removeRecord(root, address, stamp);
  return true;
}

function pruneUpTo(path: string, end: string): void {
  for (let folder = path; folder !== end; folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') return;
    }
  }
}
