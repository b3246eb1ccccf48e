/** What the embedded store knows of objects beside their files, and how writers keep out of each other's way. */

import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stampFile, stampOf, type FileStamp } from '../../src/store/embedded/file-stamp.js';
import { openObject, statObject, writeObject } from '../../src/store/embedded/object-files.js';
import { readRecord, sweepRecords, type ReadRecord } from '../../src/store/embedded/object-record.js';
import { underLock } from '../../src/store/embedded/store-lock.js';
import { makeTemporary, OWNER } from '../../src/store/embedded/temporary.js';
import type { ObjectAddress } from '../../src/store/port.js';
import { BUCKET } from './contract.js';

const HOUR = 3600 * 1000;
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'optml-records-'));
  mkdirSync(join(root, BUCKET));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const address = (key: string): ObjectAddress => ({ bucket: BUCKET, key });

interface Finished {
  readonly path: string;
  readonly stamp: FileStamp;
}

function finished(content: string): Finished {
  const { path, result } = makeTemporary(root, descriptor => {
    writeFileSync(descriptor, content);
    return stampFile(descriptor);
  });
  return { path, stamp: result };
}

/** At once. */
function place(key: string, { path, stamp, content }: Finished & { readonly content: string }): void {
  const outcome = writeObject({
    root,
    address: address(key),
    temporary: path,
    stamp,
    record: { etag: `etag of ${content}`, headers: {} },
    condition: { kind: 'none' },
  });
  expect(outcome).toBe('done');
}

function write(key: string, content: string): void {
  place(key, { ...finished(content), content });
}

function records(): string[] {
  return readdirSync(join(root, '.optml', 'meta', BUCKET), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(
      entry => (JSON.parse(readFileSync(join(entry.parentPath, entry.name), 'utf8')) as { key: string }).key,
    )
    .sort();
}

const sweep = (now: number) =>
  sweepRecords({
    root,
    now,
    stampsOf: ({ bucket, key }) => {
      const stamp = stampOf(join(root, bucket, key));
      return stamp === null ? [] : [stamp];
    },
  });

describe('records', () => {
  it('belong to the key and to the state of its file', () => {
    write('a', 'one');
    expect(statObject(root, address('a'))?.record.etag).toBe('etag of one');
    renameSync(join(root, BUCKET, 'a'), join(root, BUCKET, 'b'));
    expect(statObject(root, address('b'))?.record.etag).toMatch(/-1$/);
    renameSync(join(root, BUCKET, 'b'), join(root, BUCKET, 'a'));
    expect(statObject(root, address('a'))?.record.etag).toBe('etag of one');
  });

  it.each([
    ['looked at', (read: ReadRecord) => statObject(root, address('a'), read)],
    [
      'opened',
      (read: ReadRecord) => {
        const found = openObject(root, address('a'), read);
        if (found !== null) closeSync(found.descriptor);
        return found;
      },
    ],
  ])('go with their file when another process replaces it just when it was %s', (_, look) => {
    write('a', 'one');
    const { path, stamp } = finished('another');
    let looks = 0;
    const found = look((...asked) => {
      if (++looks === 1) place('a', { path, stamp, content: 'another' });
      return readRecord(...asked);
    });
    expect([found?.record.etag, found?.stamp.mtimeNs, looks]).toEqual(['etag of another', stamp.mtimeNs, 2]);
  });

  it('are looked for once where a file by hand has none', () => {
    writeFileSync(join(root, BUCKET, 'a'), 'by hand');
    let looks = 0;
    const found = statObject(root, address('a'), (...asked) => {
      looks++;
      return readRecord(...asked);
    });
    expect([found?.size, looks]).toEqual([7, 1]);
  });

  it('are swept when their objects are gone by hand, and not before an hour', async () => {
    for (const key of ['kept', 'deleted', 'changed']) write(key, 'x');
    rmSync(join(root, BUCKET, 'deleted'));
    writeFileSync(join(root, BUCKET, 'changed'), 'by hand');
    expect(await sweep(Date.now())).toBe(0);
    expect(records()).toEqual(['changed', 'deleted', 'kept']);
    expect(await sweep(Date.now() + 2 * HOUR)).toBe(2);
    expect(records()).toEqual(['kept']);
    expect(statObject(root, address('kept'))?.record.etag).toBe('etag of x');
  });
});

describe('a lock', () => {
  const lockFiles = (): string[] => readdirSync(join(root, '.optml', 'locks'));

  /** Leaves a lock as a process with this name would. */
  async function leaveLock(owner: string): Promise<string> {
    let path = '';
    await underLock(root, address('x'), () => {
      path = join(root, '.optml', 'locks', lockFiles()[0] ?? '');
    });
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, owner);
    return path;
  }

  it('of a dead process is broken', async () => {
    const [namespace = '', , started = ''] = OWNER.split(' ');
    const path = await leaveLock(`${namespace} 4194303 ${started}`);
    expect(await underLock(root, address('x'), () => existsSync(path))).toBe(true);
    expect(lockFiles()).toEqual([]);
    expect(readdirSync(join(root, '.optml', 'tmp'))).toEqual([]);
  });

  it('of a living process is waited for', async () => {
    const path = await leaveLock(OWNER);
    const order: string[] = [];
    const waiting = underLock(root, address('x'), () => order.push('locked'));
    await underLock(root, address('y'), () => order.push('another key is free'));
    order.push('released');
    rmSync(path);
    await waiting;
    expect(order).toEqual(['another key is free', 'released', 'locked']);
  });

  it('is given back when the action throws', async () => {
    const failing = underLock(root, address('x'), () => {
      throw new Error('it failed');
    });
    await expect(failing).rejects.toThrow('it failed');
    expect(lockFiles()).toEqual([]);
  });
});

it('stamps what comes later with a later time', () => {
  const descriptor = openSync(join(root, 'stamped'), 'w');
  const times = Array.from({ length: 5_000 }, () => stampFile(descriptor).mtimeNs);
  closeSync(descriptor);
  expect(times.filter((time, index) => index > 0 && time <= (times[index - 1] ?? 0n))).toEqual([]);
});
