/** What the AWS SDK for JavaScript does: streams with trailing checksums, its uploader, its presigner. */

import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
  type ChecksumAlgorithm,
  type GetObjectCommandInput,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { S3Address } from '../store/server-program.js';
import { judged, sdkClient, type StoreName } from './subject.js';

const Bucket = 'sdk';
const MIB = 1 << 20;
const ALGORITHMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

export function sdkSuite({
  name,
  address,
}: {
  readonly name: StoreName;
  readonly address: () => S3Address;
}): void {
  describe('the SDK for JavaScript', () => {
    let client: S3Client;
    beforeAll(() => {
      // After a streamed upload versitygw now and then takes what is left in the connection for the next request (400).
      client = sdkClient(address(), { keepAlive: name !== 'versitygw' });
    });
    afterAll(() => client.destroy());

    const check = (title: string, work: () => Promise<void>): void =>
      judged({ store: name, client: 'SDK for JavaScript', check: title }, work);

    const put = (
      Key: string,
      Body: NonNullable<PutObjectCommandInput['Body']>,
      more: Partial<Omit<PutObjectCommandInput, 'Body'>> = {},
    ) => client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

    async function get(Key: string, more: Partial<GetObjectCommandInput> = {}): Promise<Buffer> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    }

    async function keysUnder(Prefix: string): Promise<string[]> {
      const keys: string[] = [];
      for await (const page of paginateListObjectsV2({ client, pageSize: 7 }, { Bucket, Prefix }))
        keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
      return keys;
    }

    check('buckets', async () => {
      await client.send(new CreateBucketCommand({ Bucket }));
      await client.send(new HeadBucketCommand({ Bucket }));
      const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
      expect(Buckets.map(bucket => bucket.Name)).toContain(Bucket);
      expect(await refusal(client.send(new HeadBucketCommand({ Bucket: 'sdk-absent' })))).toBe(
        'NotFound 404',
      );
    });

    check('put, get, head, delete', async () => {
      const { ETag } = await put('plain', 'content');
      expect(ETag).toBe(`"${createHash('md5').update('content').digest('hex')}"`);
      expect((await get('plain')).toString()).toBe('content');
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'plain' }));
      expect(head).toMatchObject({ ContentLength: 7, ETag });
      await client.send(new DeleteObjectCommand({ Bucket, Key: 'plain' }));
      expect(await refusal(get('plain'))).toBe('NoSuchKey 404');
    });

    check('a stream', async () => {
      const bytes = randomBytes(300_001);
      await put('stream', Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]), {
        ContentLength: bytes.length,
      });
      expect((await get('stream')).equals(bytes)).toBe(true);
    });

    check('a stream leaves no word of its framing', async () => {
      await put('framing', Readable.from([Buffer.from('x')]), { ContentLength: 1, ContentEncoding: 'gzip' });
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'framing' }));
      expect(head.ContentEncoding).toBe('gzip');
    });

    check('an empty stream', async () => {
      await put('empty', Readable.from([]), { ContentLength: 0 });
      expect(await get('empty')).toHaveLength(0);
    });

    for (const algorithm of ALGORITHMS)
      check(`${algorithm} of a buffer and of a stream`, async () => {
        const sum = `Checksum${algorithm}` as const;
        const bytes = randomBytes(100_000);
        const Key = `sum/${algorithm}`;
        const buffered = await put(Key, bytes, { ChecksumAlgorithm: algorithm });
        await put(`${Key}-stream`, Readable.from([bytes]), {
          ContentLength: bytes.length,
          ChecksumAlgorithm: algorithm,
        });
        expect((await get(`${Key}-stream`)).equals(bytes)).toBe(true);
        expect(buffered[sum]).toMatch(/=$/);
        for (const one of [Key, `${Key}-stream`]) {
          const head = await client.send(
            new HeadObjectCommand({ Bucket, Key: one, ChecksumMode: 'ENABLED' }),
          );
          expect(head[sum]).toBe(buffered[sum]);
        }
      });

    check('a wrong checksum is refused', async () => {
      await put('kept', 'before');
      expect(await refusal(put('kept', 'after', { ChecksumCRC32: 'AAAAAA==' }))).toMatch(
        /^(BadDigest|XAmzContentChecksumMismatch) 400$/,
      );
      expect((await get('kept')).toString()).toBe('before');
    });

    check('odd keys', async () => {
      const odd = ['a b', 'a+b', 'ü日本😀', '%2F', 'q?x=y&z', '<&>"\'', "!'()*~", '#', 'back\\slash'].map(
        key => `odd/${key}`,
      );
      for (const key of odd) await put(key, key);
      for (const key of odd) expect((await get(key)).toString()).toBe(key);
      expect(await keysUnder('odd/')).toEqual(
        [...odd].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
    });

    check('lists in pages', async () => {
      const keys = Array.from(
        { length: 30 },
        (_, index) => `page/${index % 3}/${String(index).padStart(2, '0')}`,
      );
      await Promise.all(keys.map(key => put(key, '')));
      expect(await keysUnder('page/')).toEqual([...keys].sort());
      const { CommonPrefixes = [] } = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: 'page/', Delimiter: '/' }),
      );
      expect(CommonPrefixes.map(({ Prefix }) => Prefix)).toEqual(['page/0/', 'page/1/', 'page/2/']);
    });

    check('the uploader sends a stream in parts', async () => {
      const bytes = randomBytes(20 * MIB + 3);
      const upload = new Upload({
        client,
        params: { Bucket, Key: 'uploaded', Body: Readable.from(cut(bytes, 100_003)), ContentType: 'a/b' },
        partSize: 8 * MIB,
      });
      const { ETag } = await upload.done();
      expect(ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
      expect((await get('uploaded')).equals(bytes)).toBe(true);
      expect(
        (await get('uploaded', { Range: 'bytes=8388600-8388615' })).equals(bytes.subarray(8388600, 8388616)),
      ).toBe(true);
    });

    check('an uploader that is aborted leaves nothing', async () => {
      const upload = new Upload({
        client,
        params: { Bucket, Key: 'aborted/upload', Body: Readable.from(endless()) },
      });
      upload.on('httpUploadProgress', () => void upload.abort());
      await expect(upload.done()).rejects.toThrow('abort');
      expect(await keysUnder('aborted/')).toEqual([]);
    });

    check('open uploads are listed', async () => {
      const Key = 'open/upload';
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' }));
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: 'open/' }),
      );
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      expect(Uploads).toMatchObject([{ Key, UploadId }]);
    });

    check('copies', async () => {
      await put('source +ü', 'source', { Metadata: { a: 'b' }, ContentType: 'a/b' });
      const CopySource = `${Bucket}/${encodeURIComponent('source +ü')}`;
      await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }));
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'copy' }));
      expect(head).toMatchObject({ ContentLength: 6, ContentType: 'a/b', Metadata: { a: 'b' } });
    });

    check('conditional reads', async () => {
      const { ETag } = await put('conditional', 'x');
      expect(await refusal(get('conditional', { IfNoneMatch: ETag }))).toMatch(/304$/);
      expect(await refusal(get('conditional', { IfMatch: '"other"' }))).toBe('PreconditionFailed 412');
    });

    check('conditional writes', async () => {
      await put('once', '1', { IfNoneMatch: '*' });
      expect(await refusal(put('once', '2', { IfNoneMatch: '*' }))).toBe('PreconditionFailed 412');
      expect((await get('once')).toString()).toBe('1');
    });

    check('presigned URLs', async () => {
      const Key = 'signed ü +';
      const target = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 });
      expect((await fetch(target, { method: 'PUT', body: 'signed' })).status).toBe(200);
      const source = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
      expect(await (await fetch(source)).text()).toBe('signed');
      expect((await fetch(source.replace('X-Amz-Expires=60', 'X-Amz-Expires=61'))).status).toBe(403);
    });

    check('tags', async () => {
      await put('tagged', 'x', { Tagging: 'a=b' });
      const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }));
      expect(TagSet).toEqual([{ Key: 'a', Value: 'b' }]);
    });

    check('attributes of an object', async () => {
      await put('attributes', 'content');
      const answer = await client.send(
        new GetObjectAttributesCommand({
          Bucket,
          Key: 'attributes',
          ObjectAttributes: ['ETag', 'ObjectSize'],
        }),
      );
      expect(answer.ObjectSize).toBe(7);
    });

    check('deletes of many', async () => {
      const keys = ['many/1', 'many/<&>', 'many/ü +'];
      for (const key of keys) await put(key, '');
      const { Deleted = [], Errors } = await client.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map(Key => ({ Key })) } }),
      );
      expect(Errors).toBeUndefined();
      expect(Deleted.map(({ Key }) => Key).sort()).toEqual([...keys].sort());
      expect(await keysUnder('many/')).toEqual([]);
    });
  });
}

/** `code status`, as the server refused; fails when it did not. */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof S3ServiceException) return `${thrown.name} ${thrown.$metadata.httpStatusCode ?? 0}`;
    throw thrown;
  }
  throw new Error('it was not refused');
}

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(MIB, 'x');
}
