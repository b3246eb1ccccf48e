/** Objects and buckets, as the JavaScript SDK sees them. */

import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { Agent } from 'node:http';
import type { LookupFunction } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  type ChecksumAlgorithm,
  type GetObjectCommandInput,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ODD_KEYS } from '../contract.js';
import { ACCESS_KEY, BUCKET, refusal, REGION, SECRET_KEY, startServer, type Running } from './harness.js';

let server: Running;
let client: S3Client;

beforeAll(async () => {
  server = await startServer();
  ({ client } = server);
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
});
afterAll(() => server.stop());

function put(
  Key: string,
  Body: NonNullable<PutObjectCommandInput['Body']>,
  more: Partial<Omit<PutObjectCommandInput, 'Body'>> = {},
) {
  return client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));
}

async function get(Key: string, more: Partial<GetObjectCommandInput> = {}): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key, ...more }));
  return (await Body?.transformToString()) ?? '';
}

const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket: BUCKET, Key }));
const fileOf = (key: string): string => join(server.root, BUCKET, key);
const md5 = (data: string | Buffer): string => `"${createHash('md5').update(data).digest('hex')}"`;

describe('buckets', () => {
  it('are made, found, listed with dates, and deleted', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'other' }));
    await client.send(new HeadBucketCommand({ Bucket: 'other' }));
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    expect(Buckets.map(bucket => bucket.Name)).toEqual([BUCKET, 'other']);
    expect(Math.abs(Date.now() - (Buckets[0]?.CreationDate?.getTime() ?? 0))).toBeLessThan(600_000);
    await client.send(new DeleteBucketCommand({ Bucket: 'other' }));
    expect(await refusal(client.send(new HeadBucketCommand({ Bucket: 'other' })))).toEqual(['NotFound', 404]);
    expect(existsSync(join(server.root, 'other'))).toBe(false);
  });

  it('may be made again in us-east-1', async () => {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  });

  it('are listed a page at a time when asked so', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'paged-1' }));
    await client.send(new CreateBucketCommand({ Bucket: 'paged-2' }));
    const first = await client.send(new ListBucketsCommand({ MaxBuckets: 1, Prefix: 'paged' }));
    const second = await client.send(
      new ListBucketsCommand({ MaxBuckets: 1, Prefix: 'paged', ContinuationToken: first.ContinuationToken }),
    );
    expect([first, second].map(page => page.Buckets?.map(bucket => bucket.Name))).toEqual([
      ['paged-1'],
      ['paged-2'],
    ]);
    expect(second.ContinuationToken).toBeUndefined();
    for (const Bucket of ['paged-1', 'paged-2']) await client.send(new DeleteBucketCommand({ Bucket }));
  });

  it('keep what is in them: a bucket with objects is not deleted', async () => {
    await put('keeps/it', 'x');
    expect(await refusal(client.send(new DeleteBucketCommand({ Bucket: BUCKET })))).toEqual([
      'BucketNotEmpty',
      409,
    ]);
  });

  it('say that they are here and not versioned', async () => {
    const location = await client.send(new GetBucketLocationCommand({ Bucket: BUCKET }));
    expect(location.LocationConstraint ?? '').toBe('');
    expect((await client.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).Status).toBeUndefined();
  });

  it('are refused with a name that is no folder of the store', async () => {
    for (const Bucket of ['.optml', 'a'.repeat(256)])
      expect(await refusal(client.send(new CreateBucketCommand({ Bucket })))).toEqual([
        'InvalidBucketName',
        400,
      ]);
  });

  it.each(['plain', 'no//path/'])('that are deleted while an object comes take it no more: %s', async Key => {
    await client.send(new CreateBucketCommand({ Bucket: 'leaving' }));
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(300_000);
      while (readdirSync(join(server.root, '.optml/tmp')).length === 0) await turn();
      await client.send(new DeleteBucketCommand({ Bucket: 'leaving' }));
      yield Buffer.alloc(300_000);
    }
    const coming = put(Key, Readable.from(body()), { Bucket: 'leaving', ContentLength: 600_000 });
    expect(await refusal(coming)).toEqual(['NoSuchBucket', 404]);
    await client.send(new CreateBucketCommand({ Bucket: 'leaving' }));
    expect(await refusal(get(Key, { Bucket: 'leaving' }))).toEqual(['NoSuchKey', 404]);
    await client.send(new DeleteBucketCommand({ Bucket: 'leaving' }));
  });

  it('that do not exist are named in the refusal', async () => {
    expect(await refusal(put('k', 'x', { Bucket: 'absent' }))).toEqual(['NoSuchBucket', 404]);
    expect(await refusal(get('k', { Bucket: 'absent' }))).toEqual(['NoSuchBucket', 404]);
  });
});

describe('an object', () => {
  it('is an ordinary file with an MD5 for its ETag', async () => {
    const { ETag } = await put('x/y.csv', 'a,b');
    expect(ETag).toBe(md5('a,b'));
    expect(readFileSync(fileOf('x/y.csv'), 'utf8')).toBe('a,b');
    expect(statSync(fileOf('x/y.csv')).mode & 0o777).toBe(0o644);
    expect(await get('x/y.csv')).toBe('a,b');
  });

  it('may be empty, also as a stream', async () => {
    await put('empty', '');
    await put('empty-stream', Readable.from([]), { ContentLength: 0 });
    expect(await head('empty')).toMatchObject({ ContentLength: 0, ETag: md5('') });
    expect([await get('empty'), await get('empty-stream')]).toEqual(['', '']);
  });

  it('put there by hand is read, with an ETag that is no MD5 and stays', async () => {
    mkdirSync(fileOf('hand'), { recursive: true });
    writeFileSync(fileOf('hand/x'), 'by hand');
    const { ETag } = await head('hand/x');
    expect(ETag).toMatch(/^"[0-9a-f]{32}-1"$/);
    expect((await head('hand/x')).ETag).toBe(ETag);
    expect(await get('hand/x')).toBe('by hand');
  });

  it('changed by hand loses what was said of it', async () => {
    await put('changed', 'one', { Metadata: { a: 'b' } });
    appendFileSync(fileOf('changed'), 'two');
    const found = await head('changed');
    expect(found.ETag).toMatch(/-1"$/);
    expect(found.Metadata).toEqual({});
    await put('touched', 'one');
    utimesSync(fileOf('touched'), 1, 1);
    expect((await head('touched')).ETag).toMatch(/-1"$/);
  });

  it('keeps content headers, metadata, tags and what was asked of encryption', async () => {
    const asked = {
      ContentType: 'text/csv',
      CacheControl: 'no-cache',
      ContentDisposition: 'attachment; filename="x.csv"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      Metadata: { owner: 'me', 'with-dash': '1' },
    };
    const answer = await put('described', 'x', {
      ...asked,
      Tagging: 'team=a%20b&x=',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'arn:aws:kms:us-east-1:000000000000:key/k',
    });
    const encryption = {
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'arn:aws:kms:us-east-1:000000000000:key/k',
    };
    expect(answer).toMatchObject(encryption);
    expect(await head('described')).toMatchObject({ ...asked, ...encryption, TagCount: 2 });
    expect(
      await client.send(new GetObjectTaggingCommand({ Bucket: BUCKET, Key: 'described' })),
    ).toMatchObject({
      TagSet: [
        { Key: 'team', Value: 'a b' },
        { Key: 'x', Value: '' },
      ],
    });
    await put('plain', 'x', { ServerSideEncryption: 'AES256' });
    expect(await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'plain' }))).toMatchObject({
      ServerSideEncryption: 'AES256',
    });
  });

  it('sent as a stream keeps neither framing nor its content coding', async () => {
    await put('streamed', Readable.from([Buffer.alloc(300_000, 'a'), Buffer.alloc(70_000, 'b')]), {
      ContentLength: 370_000,
      ContentEncoding: 'gzip',
    });
    expect(readFileSync(fileOf('streamed')).length).toBe(370_000);
    expect((await head('streamed')).ContentEncoding).toBe('gzip');
  });

  it('of 20 MB comes back whole, and in any range', async () => {
    const bytes = randomBytes(20 * 1024 * 1024);
    await put('large', bytes);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'large' }));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
    const { Body: piece, ContentRange } = await client.send(
      new GetObjectCommand({ Bucket: BUCKET, Key: 'large', Range: 'bytes=1000000-9999999' }),
    );
    expect(ContentRange).toBe(`bytes 1000000-9999999/${bytes.length}`);
    expect(
      Buffer.from((await piece?.transformToByteArray()) ?? []).equals(bytes.subarray(1_000_000, 10_000_000)),
    ).toBe(true);
  });

  it('is given in ranges as HTTP says', async () => {
    await put('range', '0123456789');
    for (const [range, text] of [
      ['bytes=2-4', '234'],
      ['bytes=7-', '789'],
      ['bytes=-3', '789'],
      ['bytes=5-100', '56789'],
      ['bytes=-100', '0123456789'],
      ['bytes=4-2', '0123456789'],
      ['nonsense', '0123456789'],
    ] as const)
      expect([range, await get('range', { Range: range })]).toEqual([range, text]);
    expect(await refusal(get('range', { Range: 'bytes=10-' }))).toEqual(['InvalidRange', 416]);
    expect(await refusal(get('empty', { Range: 'bytes=0-' }))).toEqual(['InvalidRange', 416]);
  });

  it('is sent, or not, as the conditions say', async () => {
    await put('conditions', 'x');
    const { ETag, LastModified = new Date() } = await head('conditions');
    const earlier = new Date(LastModified.getTime() - 60_000);
    expect(await get('conditions', { IfMatch: ETag, IfUnmodifiedSince: earlier })).toBe('x');
    expect(await get('conditions', { IfNoneMatch: '"other"', IfModifiedSince: LastModified })).toBe('x');
    expect(await refusal(get('conditions', { IfMatch: '"other"' }))).toEqual(['PreconditionFailed', 412]);
    expect(await refusal(get('conditions', { IfUnmodifiedSince: earlier }))).toEqual([
      'PreconditionFailed',
      412,
    ]);
    expect((await refusal(get('conditions', { IfNoneMatch: ETag })))[1]).toBe(304);
    expect((await refusal(get('conditions', { IfModifiedSince: LastModified })))[1]).toBe(304);
  });

  it('is given with the headers that the query asks for', async () => {
    await put('override', 'x');
    expect(
      await client.send(
        new GetObjectCommand({
          Bucket: BUCKET,
          Key: 'override',
          ResponseContentType: 'text/html',
          ResponseContentDisposition: 'inline',
        }),
      ),
    ).toMatchObject({ ContentType: 'text/html', ContentDisposition: 'inline' });
  });

  it('is not torn for a reader when it is replaced', async () => {
    const [one, two] = [Buffer.alloc(8 * 1024 * 1024, 'a'), Buffer.alloc(8 * 1024 * 1024, 'b')];
    await put('replaced', one);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'replaced' }));
    await put('replaced', two);
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(one)).toBe(true);
    expect((await head('replaced')).ETag).toBe(md5(two));
  });

  it('leaves one record behind, however often it is replaced', async () => {
    for (let turn = 0; turn < 20; turn++) await put('again', String(turn));
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'again' }));
    const records = readRecords(server.root).filter(text => text.includes('"key":"again"'));
    expect(records).toEqual([]);
  });
});

function readRecords(root: string): string[] {
  const folder = join(root, '.optml', 'meta', BUCKET);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

const readdirNames = (folder: string): string[] => readdirSync(folder).sort();

describe('checksums', () => {
  const algorithms: ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

  it.each(algorithms)(
    'of kind %s are verified, kept and said again, from a stream and from a buffer',
    async algorithm => {
      const name = `Checksum${algorithm}` as const;
      const bytes = randomBytes(300_000);
      const buffered = await put(`sum/${algorithm}`, bytes, { ChecksumAlgorithm: algorithm });
      const streamed = await put(`sum/${algorithm}-stream`, Readable.from([bytes]), {
        ContentLength: bytes.length,
        ChecksumAlgorithm: algorithm,
      });
      expect(buffered[name]).toMatch(/=$/);
      expect(streamed[name]).toBe(buffered[name]);
      const whole = { Bucket: BUCKET, Key: `sum/${algorithm}`, ChecksumMode: 'ENABLED' } as const;
      expect(await client.send(new HeadObjectCommand(whole))).toMatchObject({
        [name]: buffered[name],
        ChecksumType: 'FULL_OBJECT',
      });
      const piece = await client.send(new GetObjectCommand({ ...whole, Range: 'bytes=0-9' }));
      expect(piece[name]).toBeUndefined();
      const attributes = await client.send(
        new GetObjectAttributesCommand({
          Bucket: BUCKET,
          Key: whole.Key,
          ObjectAttributes: ['Checksum', 'ObjectSize', 'ETag'],
        }),
      );
      expect(attributes).toMatchObject({
        ObjectSize: 300_000,
        Checksum: { [name]: buffered[name] },
        ETag: md5(bytes).slice(1, -1),
      });
    },
  );

  it('that are wrong leave the object as it was', async () => {
    await put('sum/kept', 'before');
    expect(await refusal(put('sum/kept', 'after', { ChecksumCRC32: 'AAAAAA==' }))).toEqual([
      'BadDigest',
      400,
    ]);
    expect(await refusal(put('sum/kept', 'after', { ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }))).toEqual([
      'BadDigest',
      400,
    ]);
    expect(await refusal(put('sum/kept', 'after', { ContentMD5: 'AAAA' }))).toEqual(['InvalidDigest', 400]);
    expect(await refusal(put('sum/kept', 'after', { ChecksumCRC32: 'x' }))).toEqual(['InvalidRequest', 400]);
    expect(await get('sum/kept')).toBe('before');
  });
});

describe('keys', () => {
  it('of every odd shape are kept, and nothing is written outside the folder', async () => {
    for (const key of ODD_KEYS) await put(key, `content of ${key}`);
    for (const key of ODD_KEYS) expect([key, await get(key)]).toEqual([key, `content of ${key}`]);
    expect(readdirNames(server.parent)).toEqual(['s3']);
    expect(readdirNames(server.root)).toEqual(['.optml', BUCKET]);
    for (const Key of ODD_KEYS) await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
    for (const key of ODD_KEYS) expect(await refusal(get(key))).toEqual(['NoSuchKey', 404]);
  });

  it('of 1,024 bytes are kept, and of 1,025 refused', async () => {
    await put('k'.repeat(1024), 'x');
    expect(await get('k'.repeat(1024))).toBe('x');
    expect(await refusal(put('é'.repeat(513), 'x'))).toEqual(['KeyTooLongError', 400]);
  });

  it('a and a/b live side by side in either order', async () => {
    for (const [first, second] of [
      ['side-1', 'side-1/b'],
      ['side-2/b', 'side-2'],
    ] as const) {
      await put(first, 'first');
      await put(second, 'second');
      expect([await get(first), await get(second)]).toEqual(['first', 'second']);
    }
  });

  it('neither read nor write through links', async () => {
    mkdirSync(join(server.parent, 'outside'));
    writeFileSync(join(server.parent, 'outside', 'secret'), 'secret');
    symlinkSync(join(server.parent, 'outside'), fileOf('link'));
    symlinkSync(join(server.parent, 'outside', 'secret'), fileOf('file-link'));
    expect(await refusal(get('link/secret'))).toEqual(['NoSuchKey', 404]);
    expect(await refusal(get('file-link'))).toEqual(['NoSuchKey', 404]);
    await put('link/new', 'x');
    await put('file-link', 'mine');
    await put('link/created', 'x', { IfNoneMatch: '*' });
    expect(readdirNames(join(server.parent, 'outside'))).toEqual(['secret']);
    expect(readFileSync(join(server.parent, 'outside', 'secret'), 'utf8')).toBe('secret');
    expect(await get('link/new')).toBe('x');
  });
});

describe('copies', () => {
  it('take content, metadata, tags and checksum along', async () => {
    const source = await put('copy/ü source', 'content', {
      ContentType: 'text/x',
      Metadata: { a: 'b' },
      Tagging: 'k=v',
    });
    const { CopyObjectResult } = await client.send(
      new CopyObjectCommand({
        Bucket: BUCKET,
        Key: 'copy/target',
        CopySource: `${BUCKET}/${encodeURIComponent('copy/ü source')}`,
      }),
    );
    expect(CopyObjectResult).toMatchObject({ ETag: source.ETag, ChecksumCRC32: source.ChecksumCRC32 });
    expect(await head('copy/target')).toMatchObject({
      ContentType: 'text/x',
      Metadata: { a: 'b' },
      TagCount: 1,
    });
    expect(statSync(fileOf('copy/target')).ino).not.toBe(statSync(fileOf('copy/ü source')).ino);
  });

  it('take other metadata when told so, also onto the source itself', async () => {
    await put('copy/self', 'content', { Metadata: { a: 'b' } });
    const self = { Bucket: BUCKET, Key: 'copy/self', CopySource: `${BUCKET}/copy/self` };
    expect(await refusal(client.send(new CopyObjectCommand(self)))).toEqual(['InvalidRequest', 400]);
    await client.send(new CopyObjectCommand({ ...self, MetadataDirective: 'REPLACE', Metadata: { c: 'd' } }));
    expect((await head('copy/self')).Metadata).toEqual({ c: 'd' });
    expect(await get('copy/self')).toBe('content');
  });

  it('compute the checksum that is asked for', async () => {
    await put('copy/sum', 'content');
    const { CopyObjectResult } = await client.send(
      new CopyObjectCommand({
        Bucket: BUCKET,
        Key: 'copy/sum2',
        CopySource: `${BUCKET}/copy/sum`,
        ChecksumAlgorithm: 'SHA256',
      }),
    );
    expect(CopyObjectResult?.ChecksumSHA256).toBe(createHash('sha256').update('content').digest('base64'));
  });

  it('hold to conditions on the source', async () => {
    await put('copy/condition', 'content');
    const copy = { Bucket: BUCKET, Key: 'copy/c2', CopySource: `${BUCKET}/copy/condition` };
    expect(await refusal(client.send(new CopyObjectCommand({ ...copy, CopySourceIfMatch: '"x"' })))).toEqual([
      'PreconditionFailed',
      412,
    ]);
    expect(
      await refusal(client.send(new CopyObjectCommand({ ...copy, CopySource: `${BUCKET}/absent` }))),
    ).toEqual(['NoSuchKey', 404]);
  });
});

describe('deletes', () => {
  it('take objects away, one or a thousand, and say nothing of absent ones', async () => {
    const keys = Array.from({ length: 998 }, (_, index) => `many/${index}`).concat(
      'many/<&>"\'',
      'many/\u0001',
    );
    await Promise.all(keys.map(key => put(key, 'x')));
    const { Deleted, Errors } = await client.send(
      new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: keys.map(Key => ({ Key })) } }),
    );
    expect([Deleted?.length, Errors]).toEqual([1000, undefined]);
    expect(existsSync(fileOf('many'))).toBe(false);
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'absent' }));
  });

  it('hold to If-Match', async () => {
    await put('delete-if', 'x');
    const target = { Bucket: BUCKET, Key: 'delete-if' };
    expect(await refusal(client.send(new DeleteObjectCommand({ ...target, IfMatch: '"y"' })))).toEqual([
      'PreconditionFailed',
      412,
    ]);
    await client.send(new DeleteObjectCommand({ ...target, IfMatch: md5('x') }));
    expect(await refusal(get('delete-if'))).toEqual(['NoSuchKey', 404]);
  });
});

describe('conditional writes', () => {
  it('create only where nothing is', async () => {
    await put('if/new', 'one', { IfNoneMatch: '*' });
    expect(await refusal(put('if/new', 'two', { IfNoneMatch: '*' }))).toEqual(['PreconditionFailed', 412]);
    expect(await get('if/new')).toBe('one');
  });

  it('replace only what they know', async () => {
    await put('if/match', 'one');
    expect(await refusal(put('if/match', 'two', { IfMatch: md5('zero') }))).toEqual([
      'PreconditionFailed',
      412,
    ]);
    await put('if/match', 'two', { IfMatch: md5('one') });
    expect(await get('if/match')).toBe('two');
    expect(await refusal(put('if/absent', 'x', { IfMatch: md5('x') }))).toEqual(['NoSuchKey', 404]);
  });
});

describe('tags', () => {
  it('are put, read and deleted, and leave the object alone', async () => {
    const { ETag } = await put('tagged', 'x', { Metadata: { a: 'b' } });
    const target = { Bucket: BUCKET, Key: 'tagged' };
    const tags = { TagSet: [{ Key: 'a b', Value: '<ü&>' }] };
    await client.send(new PutObjectTaggingCommand({ ...target, Tagging: tags }));
    expect(await client.send(new GetObjectTaggingCommand(target))).toMatchObject(tags);
    expect(await head('tagged')).toMatchObject({ ETag, Metadata: { a: 'b' }, TagCount: 1 });
    await client.send(new DeleteObjectTaggingCommand(target));
    expect((await client.send(new GetObjectTaggingCommand(target))).TagSet).toEqual([]);
  });

  it('of a file by hand are kept while the file stays as it is', async () => {
    writeFileSync(fileOf('tagged-by-hand'), 'x');
    const target = { Bucket: BUCKET, Key: 'tagged-by-hand' };
    const before = await head('tagged-by-hand');
    await client.send(
      new PutObjectTaggingCommand({ ...target, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
    );
    expect(await head('tagged-by-hand')).toMatchObject({ ETag: before.ETag, TagCount: 1 });
  });

  it('that S3 refuses are refused', async () => {
    const eleven = Array.from({ length: 11 }, (_, index) => `k${index}=v`).join('&');
    for (const Tagging of [eleven, 'a=1&a=2', `${'k'.repeat(129)}=v`, `k=${'v'.repeat(257)}`])
      expect(await refusal(put('x', 'x', { Tagging }))).toEqual(['InvalidTag', 400]);
  });
});

describe('what is not built', () => {
  it('says so by the name of the operation', async () => {
    await expect(client.send(new GetBucketAclCommand({ Bucket: BUCKET }))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining('GetBucketAcl') as string,
      $metadata: { httpStatusCode: 501 },
    });
    expect(
      await refusal(put('x', 'x', { SSECustomerAlgorithm: 'AES256', SSECustomerKey: 'a'.repeat(32) })),
    ).toEqual(['NotImplemented', 501]);
    expect(await refusal(put('x', 'x', { ACL: 'public-read' }))).toEqual([
      'AccessControlListNotSupported',
      400,
    ]);
  });
});

it('serves buckets by the name of the host, too', async () => {
  const bucket = 'hosted';
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const hosted = new S3Client({
    endpoint: `http://localhost:${server.port}`,
    region: REGION,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    maxAttempts: 1,
    requestHandler: { httpAgent: new Agent({ lookup: loopback }) },
  });
  await hosted.send(new PutObjectCommand({ Bucket: bucket, Key: 'a//b', Body: 'x' }));
  const { Body } = await hosted.send(new GetObjectCommand({ Bucket: bucket, Key: 'a//b' }));
  expect(await Body?.transformToString()).toBe('x');
  hosted.destroy();
});

/** Not every resolver knows that names under localhost are here. */
const loopback: LookupFunction = (_host, options, found) => {
  if (options.all === true) found(null, [{ address: '127.0.0.1', family: 4 }]);
  else found(null, '127.0.0.1', 4);
};
