import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeCrc } from '../../src/store/s3/checksum.js';
import { answerError, answerObject, md5, objectOf, startFakeS3 } from './fake-s3.js';

const folder = await mkdtemp(join(tmpdir(), 'optml-download-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const small = randomBytes(10_240);
const large = randomBytes(5 * 1024 * 1024 + 3);
/** Large enough for a connection of its own. */
const bulk = randomBytes(17 * 1024 * 1024 + 3);
let files = 0;

function newFile(): string {
  return join(folder, String(files++));
}

/** Sends the head and so many bytes, and cuts the connection. */
function cutAfter(answer: ServerResponse, body: Buffer, bytes: number): void {
  answer.writeHead(200, { etag: `"${md5(body)}"`, 'content-length': body.length });
  answer.write(body.subarray(0, bytes), () => answer.destroy());
}

function flipped(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1);
  return copy;
}

describe('a download', () => {
  it('is one GET that asks for the listed ETag and for checksums', async () => {
    await using fake = await startFakeS3(answer => answerObject(answer, small));
    const file = newFile();
    await fake.store.download(objectOf(small), file, { signal });
    expect(small.equals(await readFile(file))).toBe(true);
    expect(fake.seen).toHaveLength(1);
    expect(fake.seen[0]).toMatchObject({
      method: 'GET',
      path: '/bucket/dir/key',
      headers: { 'if-match': `"${md5(small)}"`, 'x-amz-checksum-mode': 'ENABLED' },
    });
  });

  it.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [429, 'TooManyRequests'],
    [400, 'RequestTimeout'],
  ])('is tried again after %i %s', async (status, code) => {
    await using fake = await startFakeS3((answer, _seen, nth) =>
      nth < 3 ? answerError(answer, status, { code }) : answerObject(answer, small),
    );
    const file = newFile();
    await fake.store.download(objectOf(small), file, { signal });
    expect(small.equals(await readFile(file))).toBe(true);
    expect(fake.seen).toHaveLength(3);
  });

  it('is asked for once when it is the file that cannot be made', async () => {
    await using fake = await startFakeS3(answer => answerObject(answer, small));
    const file = join(newFile(), 'in-no-folder');
    await expect(fake.store.download(objectOf(small), file, { signal })).rejects.toMatchObject({
      message: expect.stringContaining('ENOENT') as string,
    });
    expect(fake.seen).toHaveLength(1);
  });

  it('has all of a small body that comes in chunks, though its end is lost', async () => {
    await using fake = await startFakeS3((answer, _seen, nth) => {
      if (nth > 1) answerObject(answer, small);
      else answer.writeHead(200, { etag: `"${md5(small)}"` }).write(small, () => answer.destroy());
    });
    const file = newFile();
    await fake.store.download(objectOf(small), file, { signal });
    expect(small.equals(await readFile(file))).toBe(true);
  });

  it('gives up a store that keeps failing', async () => {
    await using fake = await startFakeS3(answer => answerError(answer, 503, { code: 'SlowDown' }));
    const file = newFile();
    await expect(fake.store.download(objectOf(small), file, { signal })).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/s3:\/\/bucket\/dir\/key \(SlowDown/) as string,
    });
    expect(fake.seen).toHaveLength(5);
    expect(existsSync(file)).toBe(false);
  });

  it('fetches a small body again that was cut off', async () => {
    await using fake = await startFakeS3((answer, _seen, nth) =>
      nth === 1 ? cutAfter(answer, small, 5_000) : answerObject(answer, small),
    );
    const file = newFile();
    await fake.store.download(objectOf(small), file, { signal });
    expect(small.equals(await readFile(file))).toBe(true);
  });

  describe.each([
    ['large', large],
    ['very large', bulk],
  ])('of a %s object that is cut off', (_name, body) => {
    it('goes on where it was cut off, and tells of every byte once', async () => {
      await using fake = await startFakeS3((answer, { headers }, nth) => {
        if (nth === 1) {
          cutAfter(answer, body, 3_000_000);
          return;
        }
        const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]);
        answer.writeHead(206, {
          etag: `"${md5(body)}"`,
          'content-length': body.length - from,
          'content-range': `bytes ${from}-${body.length - 1}/${body.length}`,
        });
        answer.end(body.subarray(from));
      });
      const file = newFile();
      let bytes = 0;
      await fake.store.download(objectOf(body), file, { signal, onBytes: more => (bytes += more) });
      expect(body.equals(await readFile(file))).toBe(true);
      expect(fake.seen).toHaveLength(2);
      expect(bytes).toBe(body.length);
    });

    it('starts anew where the store knows no ranges', async () => {
      await using fake = await startFakeS3((answer, _seen, nth) =>
        nth === 1 ? cutAfter(answer, body, 3_000_000) : answerObject(answer, body),
      );
      const file = newFile();
      await fake.store.download(objectOf(body), file, { signal });
      expect(body.equals(await readFile(file))).toBe(true);
    });

    it('gives up a store that always cuts at the same place', async () => {
      await using fake = await startFakeS3(answer => cutAfter(answer, body, 3_000_000));
      const file = newFile();
      await expect(fake.store.download(objectOf(body), file, { signal })).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
      });
      expect(existsSync(file)).toBe(false);
    });
  });

  describe.each([
    ['small', small],
    ['large', large],
    ['very large', bulk],
  ])('of a %s object', (_name, body) => {
    it.each([
      ['the MD5 in its ETag', md5(body), {}],
      ['its CRC-32', 'abc-2', { 'x-amz-checksum-crc32': encodeCrc(crc32(body)) }],
    ])('fetches a body again that %s disproves', async (_what, etag, headers) => {
      await using fake = await startFakeS3((answer, _seen, nth) =>
        answerObject(answer, nth === 1 ? flipped(body) : body, { etag, headers }),
      );
      const file = newFile();
      await fake.store.download(objectOf(body, etag), file, { signal });
      expect(body.equals(await readFile(file))).toBe(true);
      expect(fake.seen).toHaveLength(2);
    });

    it('never keeps a body that stays wrong', async () => {
      await using fake = await startFakeS3(answer =>
        answerObject(answer, flipped(body), { etag: md5(body) }),
      );
      const file = newFile();
      await expect(fake.store.download(objectOf(body), file, { signal })).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
        message: expect.stringContaining('damaged') as string,
      });
      expect(existsSync(file)).toBe(false);
    });

    it.each([
      ['has another ETag', (answer: ServerResponse) => answerObject(answer, body, { etag: 'other' })],
      [
        'has another size',
        (answer: ServerResponse) => answerObject(answer, body.subarray(1), { etag: md5(body) }),
      ],
      ['was replaced', (answer: ServerResponse) => answerError(answer, 412, { code: 'PreconditionFailed' })],
      ['is gone', (answer: ServerResponse) => answerError(answer, 404, { code: 'NoSuchKey' })],
    ])('refuses one that %s', async (_what, script) => {
      await using fake = await startFakeS3(script);
      const file = newFile();
      await expect(fake.store.download(objectOf(body), file, { signal })).rejects.toMatchObject({
        code: 'OBJECT_CHANGED',
        message: expect.stringContaining('s3://bucket/dir/key') as string,
      });
      expect(fake.seen).toHaveLength(1);
      expect(existsSync(file)).toBe(false);
    });

    it('waits neither for a first byte nor for a next one without limit', async () => {
      await using fake = await startFakeS3(
        (answer, _seen, nth) => {
          if (nth === 1) return;
          if (nth > 2) {
            answerObject(answer, body);
            return;
          }
          answer.writeHead(200, { etag: `"${md5(body)}"`, 'content-length': body.length });
          answer.write(body.subarray(0, 100));
        },
        { firstByteMs: 1_000, idleMs: 1_000 },
      );
      const file = newFile();
      await fake.store.download(objectOf(body), file, { signal });
      expect(body.equals(await readFile(file))).toBe(true);
      expect(fake.seen).toHaveLength(3);
    });

    it('ends at once when it is aborted, and leaves no file', async () => {
      const abort = new AbortController();
      await using fake = await startFakeS3(answer => {
        answer.writeHead(200, { etag: `"${md5(body)}"`, 'content-length': body.length });
        answer.write(body.subarray(0, 100), () => abort.abort(new Error('stopped')));
      });
      const file = newFile();
      await expect(fake.store.download(objectOf(body), file, { signal: abort.signal })).rejects.toThrow(
        'stopped',
      );
      expect(existsSync(file)).toBe(false);
    });
  });

  it('does not take an ETag for an MD5 under KMS', async () => {
    await using fake = await startFakeS3(answer =>
      answerObject(answer, small, {
        etag: 'f'.repeat(32),
        headers: { 'x-amz-server-side-encryption': 'aws:kms' },
      }),
    );
    const file = newFile();
    await fake.store.download(objectOf(small, 'f'.repeat(32)), file, { signal });
    expect(small.equals(await readFile(file))).toBe(true);
  });
});

describe('an object that only a manifest has named', () => {
  const unlisted = { bucket: 'bucket', key: 'dir/key', size: null, etag: null };

  it.each([
    ['small', small],
    ['large', large],
    ['empty', Buffer.alloc(0)],
  ])('is had by one GET without a condition: a %s one', async (_, body) => {
    await using fake = await startFakeS3(answer => answerObject(answer, body));
    const file = newFile();
    let bytes = 0;
    await fake.store.download(unlisted, file, { signal, onBytes: more => (bytes += more) });
    expect(body.equals(await readFile(file))).toBe(true);
    expect({ bytes, requests: fake.seen.length }).toEqual({ bytes: body.length, requests: 1 });
    expect(fake.seen[0]?.headers['if-match']).toBeUndefined();
  });

  it('is held to the ETag of the first answer when that is cut off', async () => {
    await using fake = await startFakeS3((answer, _seen, nth) =>
      nth === 1
        ? cutAfter(answer, large, 3 * 1024 * 1024)
        : answerError(answer, 412, { code: 'PreconditionFailed' }),
    );
    const file = newFile();
    await expect(fake.store.download(unlisted, file, { signal })).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
      message: expect.stringContaining('s3://bucket/dir/key, which a manifest names') as string,
    });
    expect(fake.seen[1]?.headers['if-match']).toBe(`"${md5(large)}"`);
    expect(existsSync(file)).toBe(false);
  });

  it('is never taken in part, though a server that ignores If-Match sends a shorter one', async () => {
    await using fake = await startFakeS3((answer, _seen, nth) =>
      nth === 1
        ? cutAfter(answer, large, 3 * 1024 * 1024)
        : answerObject(answer, small, { etag: md5(large) }),
    );
    const file = newFile();
    await expect(fake.store.download(unlisted, file, { signal })).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
    });
    expect(existsSync(file)).toBe(false);
  });

  it('that is not there is told so', async () => {
    await using fake = await startFakeS3(answer => answerError(answer, 404, { code: 'NoSuchKey' }));
    await expect(fake.store.download(unlisted, newFile(), { signal })).rejects.toThrow('(it is not there)');
  });
});
