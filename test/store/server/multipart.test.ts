/** Uploads in parts. */

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type ChecksumAlgorithm,
  type CreateMultipartUploadCommandInput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, refusal, startServer, type Running } from './harness.js';

const MIB = 1024 * 1024;
let server: Running;

beforeAll(async () => {
  server = await startServer();
  await server.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
});
afterAll(() => server.stop());

async function begin(Key: string, more: Partial<CreateMultipartUploadCommandInput> = {}) {
  const { UploadId } = await server.client.send(
    new CreateMultipartUploadCommand({ Bucket: BUCKET, Key, ...more }),
  );
  return { Bucket: BUCKET, Key, UploadId: UploadId ?? '' };
}

type Begun = Awaited<ReturnType<typeof begin>>;

async function part(upload: Begun, PartNumber: number, Body: Buffer | string) {
  const { ETag } = await server.client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
  return { PartNumber, ETag };
}

const complete = (
  upload: Begun,
  Parts: { PartNumber: number; ETag: string | undefined }[],
  more: object = {},
) =>
  server.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }));

const md5 = (bytes: Buffer | string): Buffer => createHash('md5').update(bytes).digest();

describe('an upload in parts', () => {
  it('becomes one plain file, with the ETag that S3 gives', async () => {
    const parts = [randomBytes(5 * MIB), randomBytes(6 * MIB), randomBytes(7)];
    const upload = await begin('joined/x', {
      ContentType: 'text/x',
      Metadata: { a: 'b' },
      Tagging: 'k=v',
      ServerSideEncryption: 'AES256',
    });
    // In another order than they are put together.
    const third = await part(upload, 9, parts[2] ?? '');
    const first = await part(upload, 2, parts[0] ?? '');
    const second = await part(upload, 4, parts[1] ?? '');
    expect(existsSync(join(server.root, BUCKET, 'joined'))).toBe(false);
    const { ETag } = await complete(upload, [first, second, third]);
    expect(ETag).toBe(`"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-3"`);
    expect(readFileSync(join(server.root, BUCKET, 'joined/x')).equals(Buffer.concat(parts))).toBe(true);
    const target = { Bucket: BUCKET, Key: 'joined/x' };
    expect(await server.client.send(new HeadObjectCommand(target))).toMatchObject({
      ETag,
      ContentType: 'text/x',
      Metadata: { a: 'b' },
      TagCount: 1,
      ServerSideEncryption: 'AES256',
    });
    const one = await server.client.send(new GetObjectCommand({ ...target, PartNumber: 2 }));
    expect([one.PartsCount, one.ContentRange]).toEqual([
      3,
      `bytes ${5 * MIB}-${11 * MIB - 1}/${11 * MIB + 7}`,
    ]);
    expect(
      Buffer.from((await one.Body?.transformToByteArray()) ?? []).equals(parts[1] ?? Buffer.alloc(0)),
    ).toBe(true);
    expect(readdirSync(join(server.root, '.optml', 'multipart', BUCKET))).toEqual([]);
  });

  it('may be completed again by a client that did not hear the answer', async () => {
    const upload = await begin('twice');
    const parts = [await part(upload, 1, 'x')];
    const first = await complete(upload, parts);
    expect((await complete(upload, parts)).ETag).toBe(first.ETag);
  });

  it('takes the part that came last, and only the parts that are named', async () => {
    const upload = await begin('chosen');
    const old = await part(upload, 1, 'old');
    const fresh = await part(upload, 1, 'new');
    await part(upload, 2, 'not named');
    expect(await refusal(complete(upload, [old]))).toEqual(['InvalidPart', 400]);
    await complete(upload, [fresh]);
    expect(readFileSync(join(server.root, BUCKET, 'chosen'), 'utf8')).toBe('new');
  });

  it('is refused as S3 refuses it', async () => {
    const upload = await begin('refused');
    const [small, last] = [await part(upload, 1, 'small'), await part(upload, 2, 'last')];
    expect(await refusal(complete(upload, [small, last]))).toEqual(['EntityTooSmall', 400]);
    expect(await refusal(complete(upload, [last, small]))).toEqual(['InvalidPartOrder', 400]);
    expect(await refusal(complete(upload, []))).toEqual(['MalformedXML', 400]);
    expect(await refusal(complete(upload, [{ PartNumber: 3, ETag: '"x"' }]))).toEqual(['InvalidPart', 400]);
    expect(await refusal(part(upload, 10_001, 'x'))).toEqual(['InvalidArgument', 400]);
    const other = { ...upload, UploadId: 'made-up' };
    expect(await refusal(part(other, 1, 'x'))).toEqual(['NoSuchUpload', 404]);
    expect(await refusal(part({ ...upload, Key: 'other' }, 1, 'x'))).toEqual(['NoSuchUpload', 404]);
    expect(await refusal(part({ ...upload, UploadId: '../../../x' }, 1, 'x'))).toEqual(['NoSuchUpload', 404]);
    await server.client.send(new AbortMultipartUploadCommand(upload));
    expect(existsSync(join(server.root, BUCKET, 'refused'))).toBe(false);
  });

  it('that is aborted leaves nothing', async () => {
    const upload = await begin('aborted');
    const one = await part(upload, 1, 'x');
    await server.client.send(new AbortMultipartUploadCommand(upload));
    expect(await refusal(part(upload, 2, 'x'))).toEqual(['NoSuchUpload', 404]);
    expect(await refusal(complete(upload, [one]))).toEqual(['NoSuchUpload', 404]);
    expect(await refusal(server.client.send(new AbortMultipartUploadCommand(upload)))).toEqual([
      'NoSuchUpload',
      404,
    ]);
    expect(readdirSync(join(server.root, '.optml', 'multipart', BUCKET))).toEqual([]);
  });

  it('creates only where nothing is, when told so', async () => {
    const upload = await begin('conditional');
    const parts = [await part(upload, 1, 'x')];
    await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'conditional', Body: 'there' }));
    expect(await refusal(complete(upload, parts, { IfNoneMatch: '*' }))).toEqual(['PreconditionFailed', 412]);
    expect(readFileSync(join(server.root, BUCKET, 'conditional'), 'utf8')).toBe('there');
    await server.client.send(new AbortMultipartUploadCommand(upload));
  });

  it('takes parts from other objects', async () => {
    const source = randomBytes(6 * MIB);
    await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'part-source', Body: source }));
    const upload = await begin('from-parts');
    const copy = async (PartNumber: number, CopySourceRange: string) => {
      const { CopyPartResult } = await server.client.send(
        new UploadPartCopyCommand({
          ...upload,
          PartNumber,
          CopySource: `${BUCKET}/part-source`,
          CopySourceRange,
        }),
      );
      return { PartNumber, ETag: CopyPartResult?.ETag };
    };
    const parts = [await copy(1, `bytes=0-${5 * MIB - 1}`), await copy(2, 'bytes=10-19')];
    await complete(upload, parts);
    const expected = Buffer.concat([source.subarray(0, 5 * MIB), source.subarray(10, 20)]);
    expect(readFileSync(join(server.root, BUCKET, 'from-parts')).equals(expected)).toBe(true);
    const beyond = await begin('beyond');
    expect(
      await refusal(
        server.client.send(
          new UploadPartCopyCommand({
            ...beyond,
            PartNumber: 1,
            CopySource: `${BUCKET}/part-source`,
            CopySourceRange: `bytes=0-${6 * MIB}`,
          }),
        ),
      ),
    ).toEqual(['InvalidArgument', 400]);
    await server.client.send(new AbortMultipartUploadCommand(beyond));
  });

  it('shows in lists until it ends', async () => {
    const uploads = [];
    for (const key of ['list/a', 'list/b/1', 'list/b/2', 'list/c']) uploads.push(await begin(key));
    const keys = async (more: object = {}) => {
      const page = await server.client.send(
        new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: 'list/', ...more }),
      );
      return [
        ...(page.Uploads ?? []).map(one => one.Key),
        ...(page.CommonPrefixes ?? []).map(one => one.Prefix),
      ];
    };
    expect(await keys()).toEqual(['list/a', 'list/b/1', 'list/b/2', 'list/c']);
    expect(await keys({ Delimiter: '/' })).toEqual(['list/a', 'list/c', 'list/b/']);
    expect(await keys({ KeyMarker: 'list/b/1', MaxUploads: 1 })).toEqual(['list/b/2']);
    const [one] = uploads;
    if (one === undefined) throw new Error('none was begun');
    for (const number of [1, 2, 3]) await part(one, number, `part ${number}`);
    const page = await server.client.send(new ListPartsCommand({ ...one, MaxParts: 2 }));
    expect([page.Parts?.map(found => found.Size), page.IsTruncated]).toEqual([[6, 6], true]);
    const next = await server.client.send(
      new ListPartsCommand({ ...one, PartNumberMarker: page.NextPartNumberMarker }),
    );
    expect(next.Parts?.map(found => found.PartNumber)).toEqual([3]);
    for (const upload of uploads) await server.client.send(new AbortMultipartUploadCommand(upload));
    expect(await keys()).toEqual([]);
  });
});

describe('checksums of uploads in parts', () => {
  const parts = [randomBytes(5 * MIB), randomBytes(1000)];
  const whole = Buffer.concat(parts);

  async function uploaded(
    Key: string,
    ChecksumAlgorithm: ChecksumAlgorithm,
    ChecksumType?: 'COMPOSITE' | 'FULL_OBJECT',
  ) {
    const upload = await begin(Key, {
      ChecksumAlgorithm,
      ...(ChecksumType === undefined ? {} : { ChecksumType }),
    });
    const done = [];
    for (const [index, Body] of parts.entries()) {
      const answer = await server.client.send(
        new UploadPartCommand({ ...upload, PartNumber: index + 1, Body, ChecksumAlgorithm }),
      );
      done.push({ ...answer, PartNumber: index + 1 });
    }
    return await complete(upload, done as { PartNumber: number; ETag: string }[]);
  }

  it('are those of the parts’ checksums', async () => {
    const sha = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
    const { ChecksumSHA256, ChecksumType } = await uploaded('sums/composite', 'SHA256');
    expect([ChecksumSHA256, ChecksumType]).toEqual([
      `${sha(Buffer.concat(parts.map(sha))).toString('base64')}-2`,
      'COMPOSITE',
    ]);
    const attributes = await server.client.send(
      new GetObjectAttributesCommand({
        Bucket: BUCKET,
        Key: 'sums/composite',
        ObjectAttributes: ['ObjectParts'],
      }),
    );
    expect(attributes.ObjectParts).toMatchObject({
      TotalPartsCount: 2,
      Parts: parts.map((bytes, index) => ({
        PartNumber: index + 1,
        Size: bytes.length,
        ChecksumSHA256: sha(bytes).toString('base64'),
      })),
    });
  });

  it('or that of the whole, where that can be had from the parts', async () => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc32(whole));
    const { ChecksumCRC32, ChecksumType } = await uploaded('sums/full', 'CRC32', 'FULL_OBJECT');
    expect([ChecksumCRC32, ChecksumType]).toEqual([bytes.toString('base64'), 'FULL_OBJECT']);
    const crc64 = await uploaded('sums/crc64', 'CRC64NVME');
    const single = await server.client.send(
      new PutObjectCommand({
        Bucket: BUCKET,
        Key: 'sums/single',
        Body: whole,
        ChecksumAlgorithm: 'CRC64NVME',
      }),
    );
    expect([crc64.ChecksumCRC64NVME, crc64.ChecksumType]).toEqual([single.ChecksumCRC64NVME, 'FULL_OBJECT']);
  });

  it('are refused in forms that cannot be', async () => {
    expect(
      await refusal(begin('sums/x', { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' })),
    ).toEqual(['InvalidRequest', 400]);
    expect(
      await refusal(begin('sums/x', { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' })),
    ).toEqual(['InvalidRequest', 400]);
  });
});

it('takes 64 MiB of a stream from the uploader of the SDK', async () => {
  const bytes = randomBytes(64 * MIB);
  const pieces = Array.from({ length: 64 }, (_, index) => bytes.subarray(index * MIB, (index + 1) * MIB));
  const upload = new Upload({
    client: server.client,
    params: { Bucket: BUCKET, Key: 'streamed', Body: Readable.from(pieces) },
    partSize: 8 * MIB,
    queueSize: 4,
  });
  await upload.done();
  expect(readFileSync(join(server.root, BUCKET, 'streamed')).equals(bytes)).toBe(true);
});
