import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeCrc } from '../../src/store/s3/checksum.js';
import { MOST_PARTS, partsInFlight, partSize } from '../../src/store/s3/part-buffer.js';
import { inChunks } from './contract.js';
import { answerError, startFakeS3, type Script, type Seen } from './fake-s3.js';

const signal = new AbortController().signal;
const address = { bucket: 'bucket', key: 'dir/key' };
const MIB = 1024 * 1024;

/** A multipart upload as it should go; `over` may answer otherwise by returning true. */
function multipart(over: (...args: Parameters<Script>) => boolean = () => false): Script {
  return (answer, seen, nth) => {
    if (over(answer, seen, nth)) return;
    if (seen.query.has('uploads'))
      answer.end(
        '<InitiateMultipartUploadResult><UploadId>id&amp;1</UploadId></InitiateMultipartUploadResult>',
      );
    else if (seen.method === 'PUT')
      answer.writeHead(200, { etag: `"part-${seen.query.get('partNumber') ?? ''}"` }).end();
    else if (seen.method === 'DELETE') answer.writeHead(204).end();
    else answer.end('<CompleteMultipartUploadResult><ETag>"x-1"</ETag></CompleteMultipartUploadResult>');
  };
}

const step = ({ method, query }: Seen): string =>
  `${method} ${[...query.keys()].sort().join(' ')}${query.get('partNumber') ?? ''}`;

describe('an upload', () => {
  it('of up to 8 MiB is one PutObject with its CRC-32', async () => {
    await using fake = await startFakeS3(answer => answer.end());
    const body = randomBytes(8 * MIB);
    await fake.store.upload(address, inChunks(body, 1_000_003), { signal, contentType: 'application/gzip' });
    expect(fake.seen).toHaveLength(1);
    expect(fake.seen[0]?.body.equals(body)).toBe(true);
    expect(fake.seen[0]).toMatchObject({
      method: 'PUT',
      path: '/bucket/dir/key',
      headers: {
        'content-type': 'application/gzip',
        'content-length': String(body.length),
        'x-amz-checksum-crc32': encodeCrc(crc32(body)),
        'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      },
    });
  });

  it('of one byte more is a multipart upload', async () => {
    await using fake = await startFakeS3(multipart());
    const body = randomBytes(8 * MIB + 1);
    await fake.store.upload(address, inChunks(body, 3_000_000), { signal });
    expect(fake.seen.map(step).sort()).toEqual([
      'POST uploadId',
      'POST uploads',
      'PUT partNumber uploadId1',
      'PUT partNumber uploadId2',
    ]);
    const parts = fake.seen.filter(seen => seen.method === 'PUT');
    parts.sort((a, b) => Number(a.query.get('partNumber')) - Number(b.query.get('partNumber')));
    expect(Buffer.concat(parts.map(part => part.body)).equals(body)).toBe(true);
    expect(parts[0]?.query.get('uploadId')).toBe('id&1');
    expect(fake.seen.at(-1)?.body.toString()).toMatch(
      /<PartNumber>1<.*&quot;part-1&quot;.*<PartNumber>2<.*&quot;part-2&quot;/,
    );
  });

  it('sends a failed part again, and only that', async () => {
    let failed = 0;
    await using fake = await startFakeS3(
      multipart((answer, seen) => {
        if (seen.query.get('partNumber') !== '2' || failed++ > 1) return false;
        if (failed === 1) answerError(answer, 500, { code: 'InternalError' });
        else answer.destroy();
        return true;
      }),
    );
    await fake.store.upload(address, inChunks(randomBytes(20 * MIB), MIB), { signal });
    const counts = fake.seen.filter(seen => seen.method === 'PUT').map(seen => seen.query.get('partNumber'));
    expect(counts.sort()).toEqual(['1', '2', '2', '2', '3']);
  });

  it('looks into the 200 of a completion, and completes again', async () => {
    let completions = 0;
    await using fake = await startFakeS3(
      multipart((answer, seen) => {
        if (!(seen.method === 'POST' && seen.query.has('uploadId')) || completions++ > 0) return false;
        answerError(answer, 200, { code: 'InternalError' });
        return true;
      }),
    );
    await fake.store.upload(address, inChunks(randomBytes(9 * MIB), MIB), { signal });
    expect(completions).toBe(2);
  });

  it('knows its object when only the answer of the completion was lost', async () => {
    let completions = 0;
    await using fake = await startFakeS3(
      multipart((answer, seen) => {
        if (seen.method === 'HEAD') {
          answer.writeHead(200, { 'content-length': 9 * MIB }).end();
          return true;
        }
        if (!(seen.method === 'POST' && seen.query.has('uploadId'))) return false;
        if (completions++ === 0) answer.destroy();
        else answerError(answer, 404, { code: 'NoSuchUpload' });
        return true;
      }),
    );
    await fake.store.upload(address, inChunks(randomBytes(9 * MIB), MIB), { signal });
    expect(fake.seen.at(-1)?.method).toBe('HEAD');
  });

  it('is abandoned in the store when a part cannot be sent, though its stream is silent', async () => {
    await using fake = await startFakeS3(
      multipart((answer, seen) => {
        if (seen.method !== 'PUT') return false;
        answerError(answer, 403, { code: 'AccessDenied' });
        return true;
      }),
    );
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield* inChunks(Buffer.alloc(9 * MIB), MIB);
      await new Promise(() => undefined);
    }
    await expect(fake.store.upload(address, silent(), { signal })).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('AccessDenied') as string,
    });
    expect(fake.seen.at(-1)).toMatchObject({ method: 'DELETE', path: '/bucket/dir/key' });
  });

  it('asks for the KMS key, and explains a store that has no KMS', async () => {
    await using fake = await startFakeS3(answer => answerError(answer, 501, { code: 'NotImplemented' }));
    await expect(
      fake.store.upload(address, inChunks(Buffer.from('x'), 1), { signal, kmsKeyId: 'alias/k' }),
    ).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
      message: expect.stringMatching(/alias\/k.*501 NotImplemented.*KmsKeyId/) as string,
    });
    expect(fake.seen[0]?.headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/k',
    });
  });

  it('needs constant memory', async () => {
    await using fake = await startFakeS3(multipart(), { keepBodies: false });
    const piece = Buffer.alloc(MIB, 7);
    let peak = 0;
    async function* long(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 512; count++) {
        peak = Math.max(peak, process.memoryUsage().arrayBuffers);
        yield await Promise.resolve(piece);
      }
    }
    await fake.store.upload(address, long(), { signal });
    // Five parts of 8 MiB, and what the server, which runs in this process too, has read and not yet freed.
    expect(peak).toBeLessThan(150 * MIB);
  });
});

describe('parts', () => {
  it('hold 5 TiB, the most that S3 takes, in 10,000', () => {
    let sum = 0;
    for (let number = 1; number <= MOST_PARTS; number++) sum += partSize(number);
    expect(sum).toBeGreaterThanOrEqual(5 * 1024 ** 4);
  });

  it('are 8 MiB, four at a time, for outputs of ordinary size', () => {
    expect([partSize(1), partSize(1_000), partSize(1_001)]).toEqual([8 * MIB, 8 * MIB, 16 * MIB]);
    expect([partsInFlight(8 * MIB), partsInFlight(16 * MIB), partsInFlight(512 * MIB)]).toEqual([4, 4, 1]);
  });
});
