/** Records are kept in memory only for as long as their files stay what they were. */

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { join } from 'node:path';
import { createKeptRecords } from '../../../src/store/embedded/kept-records.js';
import {
  recordPath,
  removeRecord,
  replaceRecord,
  writeRecord,
  type ReadRecord,
} from '../../../src/store/embedded/object-record.js';

const address = { bucket: 'bucket', key: 'key' };
const stamp = { ino: 1n, mtimeNs: 2n, size: 3n };
const HOUR_AGO = Date.now() / 1000 - 3600;
let root: string;
let read: ReadRecord;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'optml-kept-records-'));
  read = createKeptRecords();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const etagNow = (): string | undefined => read(root, address, stamp)?.etag;
const record = (etag: string) => ({ root, address, stamp, record: { etag, headers: {} } });

function write(etag: string, seconds: number): void {
  writeRecord(record(etag));
  utimesSync(recordPath(root, address, stamp), seconds, seconds);
}

/** What no writer does: other bytes in a file that looks as before. */
function forge(etag: string, seconds: number): void {
  writeFileSync(recordPath(root, address, stamp), JSON.stringify({ key: address.key, etag, headers: {} }));
  utimesSync(recordPath(root, address, stamp), seconds, seconds);
}

it('is read once while nothing changes', () => {
  write('one', HOUR_AGO);
  expect(etagNow()).toBe('one');
  forge('two', HOUR_AGO);
  expect(etagNow()).toBe('one');
});

it('is read anew when another process has replaced or removed it', () => {
  write('one', HOUR_AGO);
  expect(etagNow()).toBe('one');
  replaceRecord(record('two'));
  expect(etagNow()).toBe('two');
  removeRecord(root, address, stamp);
  expect(etagNow()).toBeUndefined();
});

it('is not kept while it is so young that a change might not show', () => {
  const soon = Date.now() / 1000 + 3600;
  write('one', soon);
  expect(etagNow()).toBe('one');
  forge('two', soon);
  expect(etagNow()).toBe('two');
});

it('is not kept when it is large', () => {
  const large = 'x'.repeat(2_000);
  write(`${large}1`, HOUR_AGO);
  expect(etagNow()).toBe(`${large}1`);
  forge(`${large}2`, HOUR_AGO);
  expect(etagNow()).toBe(`${large}2`);
});
