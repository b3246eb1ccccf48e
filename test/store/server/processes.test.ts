/** Several servers on one store, and servers that are killed. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sweepTemporary } from '../../../src/store/embedded/temporary.js';
import { BUCKET, refusal } from './harness.js';
import { buildProgram, startProcess, type ServerProcess } from './server-process.js';

const program = buildProgram();
afterAll(() => program.remove());

let parent: string;
let root: string;
let one: ServerProcess;
let two: ServerProcess;

async function start(): Promise<void> {
  [one, two] = await Promise.all([startProcess(program, root), startProcess(program, root)]);
}

async function stop(): Promise<void> {
  await Promise.all([one.kill(), two.kill()]);
  rmSync(parent, { recursive: true, force: true });
}

async function prepare(): Promise<void> {
  parent = mkdtempSync(join(tmpdir(), 'optml-s3-processes-'));
  root = join(parent, 's3');
  await start();
  await one.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
}

const put = (client: S3Client, Key: string, Body: string | Buffer, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));

async function get(client: S3Client, Key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
  return (await Body?.transformToString()) ?? '';
}

/** So old that servers keep what they read in them. */
function makeRecordsOld(): void {
  const folder = join(root, '.optml', 'meta', BUCKET);
  const hourAgo = Date.now() / 1000 - 3600;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), hourAgo, hourAgo);
}

/** Which of the writes were done; fails when one was refused for another reason than its condition. */
async function winners(writes: readonly Promise<unknown>[]): Promise<number[]> {
  const results = await Promise.allSettled(writes);
  const lost = await Promise.all(
    results.map(async result =>
      result.status === 'rejected' ? await refusal(Promise.reject(result.reason as Error)) : null,
    ),
  );
  for (const refused of lost) if (refused !== null) expect(refused).toEqual(['PreconditionFailed', 412]);
  return lost.flatMap((refused, index) => (refused === null ? [index] : []));
}

describe('two servers on one store', () => {
  beforeAll(prepare);
  afterAll(stop);

  const sixteen = Array.from({ length: 16 }, (_, index) => index);
  const clientOf = (index: number): S3Client => (index % 2 === 0 ? one : two).client;

  it('show each other’s objects at once', async () => {
    for (let round = 0; round < 10; round++) {
      const { ETag } = await put(one.client, 'seen', String(round));
      expect(await get(two.client, 'seen')).toBe(String(round));
      expect((await two.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'seen' }))).ETag).toBe(ETag);
      const { Contents = [] } = await two.client.send(
        new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'seen' }),
      );
      expect(Contents.map(object => object.ETag)).toEqual([ETag]);
    }
  });

  it('show each other’s tags at once, of an object that both have read before', async () => {
    await put(one.client, 'tagged', 'x');
    makeRecordsOld();
    const target = { Bucket: BUCKET, Key: 'tagged' };
    const tagCount = async ({ client }: ServerProcess) =>
      (await client.send(new GetObjectCommand(target))).TagCount;
    expect([await tagCount(one), await tagCount(two)]).toEqual([undefined, undefined]);
    await one.client.send(
      new PutObjectTaggingCommand({ ...target, Tagging: { TagSet: [{ Key: 'k', Value: 'v' }] } }),
    );
    expect([await tagCount(one), await tagCount(two)]).toEqual([1, 1]);
  });

  it('let one of 16 create an object', async () => {
    for (let round = 0; round < 20; round++) {
      const key = `race/${round}`;
      const won = await winners(
        sixteen.map(index => put(clientOf(index), key, String(index), { IfNoneMatch: '*' })),
      );
      expect(won.length).toBe(1);
      expect(await get(two.client, key)).toBe(String(won[0]));
    }
  });

  it('let one of 16 create an object whose key is no path', async () => {
    for (let round = 0; round < 5; round++) {
      const key = `race//${round}/`;
      const won = await winners(
        sixteen.map(index => put(clientOf(index), key, String(index), { IfNoneMatch: '*' })),
      );
      expect([won.length, await get(one.client, key)]).toEqual([1, String(won[0])]);
    }
  });

  it('let one of 16 replace the object that all of them know', async () => {
    for (let round = 0; round < 20; round++) {
      const key = `swap/${round}`;
      const { ETag } = await put(one.client, key, 'before');
      const won = await winners(
        sixteen.map(index => put(clientOf(index), key, String(index), { IfMatch: ETag })),
      );
      expect([won.length, await get(one.client, key)]).toEqual([1, String(won[0])]);
    }
  });

  it('keep one whole object, and what belongs to it, when 16 write it', async () => {
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        sixteen.map(index =>
          put(clientOf(index), 'mixed', Buffer.alloc(300_000, index), { Metadata: { index: String(index) } }),
        ),
      );
      const { Metadata, ETag } = await one.client.send(
        new HeadObjectCommand({ Bucket: BUCKET, Key: 'mixed' }),
      );
      const bytes = readFileSync(join(root, BUCKET, 'mixed'));
      expect(bytes.equals(Buffer.alloc(300_000, Number(Metadata?.['index'])))).toBe(true);
      expect(ETag).toBe(`"${createHash('md5').update(bytes).digest('hex')}"`);
    }
  });
});

describe('a server that is killed', () => {
  beforeEach(prepare);
  afterEach(stop);

  it('has kept all that it acknowledged, with all that belongs to it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        put(one.client, `kept/${index}`, `content ${index}`, { Metadata: { index: String(index) } }),
      ),
    );
    await one.kill();
    for (const [index, { ETag }] of answers.entries()) {
      expect(await get(two.client, `kept/${index}`)).toBe(`content ${index}`);
      const head = await two.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: `kept/${index}` }));
      expect(head).toMatchObject({ ETag, Metadata: { index: String(index) } });
    }
  });

  it('in the middle of a body shows nothing of it, and what was there stays', async () => {
    const { ETag } = await put(one.client, 'old', 'before');
    await beginAndKill('old');
    expect(await get(two.client, 'old')).toBe('before');
    expect((await two.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'old' }))).ETag).toBe(ETag);
    const { Contents = [] } = await two.client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    expect(Contents.map(object => object.Key)).toEqual(['old']);
    expect((await sweepTemporary(root, Date.now())).length).toBe(1);
    expect(readdirSync(join(root, '.optml', 'tmp'))).toEqual([]);
  });

  it('has kept the parts of an upload, which another completes', async () => {
    const target = { Bucket: BUCKET, Key: 'parts' };
    const { UploadId } = await one.client.send(new CreateMultipartUploadCommand(target));
    const { ETag } = await one.client.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'part' }),
    );
    await one.kill();
    await two.client.send(
      new CompleteMultipartUploadCommand({
        ...target,
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
      }),
    );
    expect(await get(two.client, 'parts')).toBe('part');
  });

  it('gives its locks free', async () => {
    await put(one.client, 'locked', 'x');
    const { ETag } = await put(one.client, 'locked', 'y', { IfMatch: '*' });
    // Killed at any moment of many conditional writes; whatever it held does not hold up the other.
    const writes = Array.from({ length: 50 }, (_, index) =>
      put(one.client, 'locked', String(index), { IfMatch: '*' }),
    );
    await Promise.race(writes);
    await one.kill();
    await Promise.allSettled(writes);
    await put(two.client, 'locked', 'after', { IfMatch: '*' });
    expect(await get(two.client, 'locked')).toBe('after');
    expect(ETag).toBeDefined();
  });
});

/** Sends half of 64 MiB, waits until some of it is on the disk, and kills the server. */
async function beginAndKill(key: string): Promise<void> {
  const url = await getSignedUrl(one.client, new PutObjectCommand({ Bucket: BUCKET, Key: key }), {
    expiresIn: 600,
  });
  const outgoing = request(url, { method: 'PUT', headers: { 'content-length': 64 * 1024 * 1024 } });
  const failed = once(outgoing, 'error');
  outgoing.write(Buffer.alloc(32 * 1024 * 1024, 'a'));
  while (!unfinishedBytes()) await turn();
  await one.kill();
  await failed;
}

function unfinishedBytes(): boolean {
  const folder = join(root, '.optml', 'tmp');
  return readdirSync(folder).some(name => statSync(join(folder, name)).size > 1024 * 1024);
}
