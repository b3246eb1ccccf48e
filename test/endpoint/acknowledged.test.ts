/** What `optml up` has acknowledged is there, whatever comes: a full disk, and kill -9 in the middle of traffic. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { bytesOf, sha256 } from '../harness/known-bytes.js';
import { afterThis, optml, scratch, start, type Running } from '../harness/optml.js';
import { fillUp, smallDisk } from '../harness/small-disk.js';

const BUCKET = 'kept';

describe.skipIf(process.getuid?.() !== 0)('a full disk (needs root, for a small one)', () => {
  it('under the endpoint loses nothing, shows nothing torn, and is got over', async () => {
    const home = await smallDisk('size=12m');
    const { client, running } = await up(home);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const before = await putAll(client, 'before', 10);
    expect(before.refused).toEqual([]);
    const during = await putAll(client, 'during', 80);
    expect(during.refused.length).toBeGreaterThan(0);
    await fillUp(join(home, 'filler'));
    // A smaller one in the place of what is there: it is the old one, or the new one.
    const over = await putAll(client, 'before', 10, 'anew');
    await expectThere(home, new Map([...before.stored, ...during.stored, ...over.stored]), before.stored);
    await rm(join(home, 'filler'));
    await rm(join(home, 's3', BUCKET, 'during'), { recursive: true, force: true });
    // Another client, as this one asks once only and may have a connection that was ended with a refusal.
    expect((await putAll(await clientOf(home), 'after', 10)).refused).toEqual([]);
    expect(await namesIn(join(home, 's3/.optml/tmp'))).toEqual([]);
    running.signal('SIGINT');
    expect((await running.ended).status).toBe(0);
  });
});

describe('kill -9 in the middle of traffic', () => {
  it.each([10, 60, 150])(
    'after %i answers: what was acknowledged is there, and nothing torn',
    async answers => {
      const home = await scratch('killed');
      const { client, running } = await up(home);
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      let count = 0;
      const { stored } = await putAll(client, 'object', 300, '', () => {
        if (++count === answers) running.signal('SIGKILL');
      });
      await running.ended;
      expect(stored.size).toBeGreaterThanOrEqual(answers);
      expect(stored.size).toBeLessThan(300);
      await expectThere(home, stored);
      const again = await up(home);
      expect((await putAll(again.client, 'object', 20)).refused).toEqual([]);
    },
  );
});

async function up(home: string): Promise<{ client: S3Client; running: Running }> {
  const running = start(['up', '--port', '0', '--json'], { home });
  await running.shows('"endpoint"');
  return { client: await clientOf(home), running };
}

async function clientOf(home: string): Promise<S3Client> {
  const { stdout } = await optml(['env'], { home });
  const said = (name: string): string => new RegExp(`export ${name}='([^']*)'`).exec(stdout)?.[1] ?? '';
  const client = new S3Client({
    endpoint: said('AWS_ENDPOINT_URL'),
    region: said('AWS_REGION'),
    credentials: {
      accessKeyId: said('AWS_ACCESS_KEY_ID'),
      secretAccessKey: said('AWS_SECRET_ACCESS_KEY'),
    },
    forcePathStyle: true,
    maxAttempts: 1,
  });
  afterThis(() => {
    client.destroy();
    return Promise.resolve();
  });
  return client;
}

/** Sixteen at a time. `stored`: what was acknowledged, by key. */
async function putAll(
  client: S3Client,
  prefix: string,
  count: number,
  word = '',
  onStored: () => void = () => undefined,
): Promise<{ stored: Map<string, string>; refused: string[] }> {
  const stored = new Map<string, string>();
  const refused: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const key = `${prefix}/${index}`;
      const body = contentOf(key, word);
      try {
        await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
        stored.set(key, sha256(body));
        onStored();
      } catch {
        refused.push(key);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return { stored, refused };
}

/** Of what was asked for, whole: every acknowledged one, and of others only all. */
async function expectThere(
  home: string,
  stored: ReadonlyMap<string, string>,
  older: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  const folder = join(home, 's3', BUCKET);
  for (const [key, sum] of stored) {
    const found = sha256(await readFile(join(folder, key)));
    expect([key, found]).toEqual([key, sum]);
  }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const key = path.slice(folder.length + 1);
    const whole = [contentOf(key, ''), contentOf(key, 'anew')].map(sha256);
    expect([...whole, older.get(key)]).toContain(sha256(await readFile(path)));
  }
}

function contentOf(key: string, word: string): Buffer {
  const size = 100_000 + (Number(key.split('/')[1]) % 7) * 30_000;
  return bytesOf(`${key} ${word}`, word === '' ? size : 50_000);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
