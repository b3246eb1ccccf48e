/** Reading an object as a stream: from a real S3 server through a proxy of faults, and from a server that plays them one by one. */
import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { fixedCredentials } from '../../src/aws/credentials.js';
import { openStore } from '../../src/store/open-store.js';
import type { ObjectReading, Store } from '../../src/store/port.js';
import { startFakeS3, type Script } from './fake-s3.js';

const signal = new AbortController().signal;

function storeAt(url: string): Promise<Store> {
  const credentials = fixedCredentials({ accessKeyId: 'key', secretAccessKey: 'secret' });
  return openStore({ kind: 'url', url, region: 'us-east-1', credentials });
}

async function bytesOf({ pieces }: ObjectReading): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const piece of pieces) chunks.push(...piece.map(chunk => Buffer.from(chunk)));
  return Buffer.concat(chunks);
}

const BODY = randomBytes(5_000_000);
const ETAG = createHash('md5').update(BODY).digest('hex');
const OBJECT = { bucket: 'data', key: 'big', size: BODY.length, etag: ETAG };

async function served(script: Script, act: (store: Store) => Promise<void>): Promise<void> {
  await using server = await startFakeS3(script);
  const store = await storeAt(server.url);
  try {
    await act(store);
  } finally {
    await store.close();
  }
}

test('goes on where it was cut off, with the range that is missing, of the same object', async () => {
  const asked: (string | undefined)[] = [];
  await served(
    (answer, { headers }) => {
      asked.push(headers['range']);
      expect(headers['if-match']).toBe(`"${ETAG}"`);
      const from = Number(/bytes=(\d+)-/.exec(headers['range'] ?? '')?.[1] ?? 0);
      answer.writeHead(from === 0 ? 200 : 206, {
        etag: `"${ETAG}"`,
        'content-length': BODY.length - from,
        ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${BODY.length - 1}/${BODY.length}` }),
      });
      if (asked.length > 2) answer.end(BODY.subarray(from));
      else answer.write(BODY.subarray(from, from + 1_500_000), () => answer.destroy());
    },
    async store => {
      const reading = await store.read(OBJECT, signal);
      expect(reading.size).toBe(BODY.length);
      expect((await bytesOf(reading)).equals(BODY)).toBe(true);
    },
  );
  expect(asked[0]).toBeUndefined();
  expect(asked.slice(1).every(range => range !== undefined)).toBe(true);
});

test('takes no byte twice from a server that knows no ranges', async () => {
  let tries = 0;
  await served(
    answer => {
      answer.writeHead(200, { etag: `"${ETAG}"`, 'content-length': BODY.length });
      if (++tries > 2) answer.end(BODY);
      else answer.write(BODY.subarray(0, 2_000_000), () => answer.destroy());
    },
    async store => {
      expect((await bytesOf(await store.read(OBJECT, signal))).equals(BODY)).toBe(true);
    },
  );
  expect(tries).toBe(3);
});

test('a body that proves damaged at its end is an error with the URI, and so is another ETag', async () => {
  const damaged = Buffer.from(BODY);
  damaged[4_000_000] = (damaged[4_000_000] ?? 0) ^ 1;
  await served(
    answer => answer.writeHead(200, { etag: `"${ETAG}"`, 'content-length': BODY.length }).end(damaged),
    async store => {
      const reading = await store.read(OBJECT, signal);
      await expect(bytesOf(reading)).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
        message: expect.stringContaining('s3://data/big') as string,
      });
    },
  );
  await served(
    answer => answer.writeHead(200, { etag: '"another"', 'content-length': BODY.length }).end(BODY),
    async store => {
      await expect(store.read(OBJECT, signal)).rejects.toMatchObject({ code: 'OBJECT_CHANGED' });
    },
  );
});

test('asks again when the store stands still in the middle, for the rest', async () => {
  let tries = 0;
  await using server = await startFakeS3(
    (answer, { headers }) => {
      const from = Number(/bytes=(\d+)-/.exec(headers['range'] ?? '')?.[1] ?? 0);
      answer.writeHead(from === 0 ? 200 : 206, {
        etag: `"${ETAG}"`,
        'content-length': BODY.length - from,
        ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${BODY.length - 1}/${BODY.length}` }),
      });
      if (++tries > 2) answer.end(BODY.subarray(from));
      else answer.write(BODY.subarray(from, from + 1_500_000));
    },
    { idleMs: 1_000 },
  );
  expect((await bytesOf(await server.store.read(OBJECT, signal))).equals(BODY)).toBe(true);
  expect(tries).toBe(3);
});

test('gives up, and names the object, when the store stands still each time', async () => {
  let tries = 0;
  await using server = await startFakeS3(
    (answer, { headers }) => {
      // Bytes come with the first try only: each further one stands still at once.
      if (++tries > 1) expect(headers['range']).toBeDefined();
      const status = tries === 1 ? 200 : 206;
      answer.writeHead(status, {
        etag: `"${ETAG}"`,
        'content-length': status === 200 ? BODY.length : BODY.length - 1_500_000,
        'content-range': `bytes 1500000-${BODY.length - 1}/${BODY.length}`,
      });
      if (tries === 1) answer.write(BODY.subarray(0, 1_500_000));
      else answer.flushHeaders();
    },
    { idleMs: 1_000 },
  );
  const reading = await server.store.read(OBJECT, signal);
  await expect(bytesOf(reading)).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
    message: expect.stringContaining('s3://data/big') as string,
  });
  // The try that brought something, and a whole budget without.
  expect(tries).toBe(1 + 5);
});

test.each([
  ['is refused as another', (answer: ServerResponse) => answer.writeHead(412).end()],
  ['is gone', (answer: ServerResponse) => answer.writeHead(404).end()],
  [
    'goes on as another',
    (answer: ServerResponse) => {
      const rest = BODY.subarray(1_500_000);
      answer
        .writeHead(206, {
          etag: '"another"',
          'content-length': rest.length,
          'content-range': `bytes 1500000-${BODY.length - 1}/${BODY.length}`,
        })
        .end(rest);
    },
  ],
])('an object that %s after it was cut off has changed', async (_, goOn) => {
  let tries = 0;
  await served(
    answer => {
      if (++tries > 1) goOn(answer);
      else
        answer
          .writeHead(200, { etag: `"${ETAG}"`, 'content-length': BODY.length })
          .write(BODY.subarray(0, 1_500_000), () => answer.destroy());
    },
    async store => {
      const reading = await store.read(OBJECT, signal);
      await expect(bytesOf(reading)).rejects.toMatchObject({
        code: 'OBJECT_CHANGED',
        message: expect.stringContaining('s3://data/big') as string,
      });
    },
  );
  expect(tries).toBe(2);
});

test('a small one that arrives damaged is fetched again before any of it is given', async () => {
  const small = BODY.subarray(0, 1000);
  const etag = createHash('md5').update(small).digest('hex');
  let tries = 0;
  await served(
    answer =>
      answer
        .writeHead(200, { etag: `"${etag}"`, 'content-length': small.length })
        .end(++tries === 1 ? Buffer.alloc(1000) : small),
    async store => {
      const reading = await store.read({ bucket: 'data', key: 'small', size: 1000, etag }, signal);
      expect((await bytesOf(reading)).equals(small)).toBe(true);
    },
  );
  expect(tries).toBe(2);
});

test('is held to the first answer where no listing told size and ETag', async () => {
  await served(
    answer => answer.writeHead(200, { etag: `"${ETAG}"`, 'content-length': BODY.length }).end(BODY),
    async store => {
      const reading = await store.read({ bucket: 'data', key: 'big', size: null, etag: null }, signal);
      expect(reading.size).toBe(BODY.length);
      expect((await bytesOf(reading)).equals(BODY)).toBe(true);
    },
  );
});

test('asks for no more than a little ahead of its reader, and ends when that leaves', async () => {
  let sent = 0;
  let closed: () => void = () => undefined;
  const gone = new Promise<void>(resolve => (closed = resolve));
  const size = 200_000_000;
  await served(
    answer => {
      answer.on('close', closed);
      answer.writeHead(200, { etag: '"x"', 'content-length': size });
      const chunk = Buffer.alloc(1_000_000);
      const more = (): void => {
        while (sent < size) {
          sent += chunk.length;
          if (!answer.write(chunk)) return;
        }
      };
      answer.on('drain', more);
      more();
    },
    async store => {
      const { pieces } = await store.read({ bucket: 'data', key: 'huge', size, etag: 'x' }, signal);
      for await (const piece of pieces) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      await gone;
    },
  );
  expect(sent).toBeLessThan(40_000_000);
});
