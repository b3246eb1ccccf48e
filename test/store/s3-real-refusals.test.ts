/** What real servers refuse, and what optml says of it: one sentence with the way out. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { startMinio } from './minio.js';
import { makeBuckets, storeOf } from './real-store.js';
import { freePort, serverFolder, startProgram, TEST_KEYS, TOOLS, untilReady } from './server-program.js';

const server = await startMinio();
await makeBuckets(server, 'there');
afterAll(() => server.stop());
afterEach(() => vi.useRealTimers());

const { signal } = new AbortController();
const address = { bucket: 'there', key: 'x' };

async function* some(): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from('some'));
}

function refusal(code: string, words: RegExp): object {
  return { code, message: expect.stringMatching(words) as string };
}

describe('a clock that is wrong', () => {
  it.each([-3600, 3600])('by %i seconds is named, with the times of both', async seconds => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
    const store = storeOf(server);
    await expect(store.upload(address, some(), { signal })).rejects.toMatchObject(
      refusal(
        'STORE_DENIED',
        /^[^\n]*RequestTimeTooSkewed: here .* GMT, there .* GMT\).*set this machine's clock\.$/,
      ),
    );
    await store.close();
  });
});

it('a KMS key, on a server that has no KMS, is refused by name', async () => {
  const store = storeOf(server);
  await expect(store.upload(address, some(), { signal, kmsKeyId: 'my-key' })).rejects.toMatchObject(
    refusal('REQUEST_REFUSED', /cannot encrypt with the KMS key "my-key" .*take KmsKeyId out/),
  );
  await store.close();
});

it('a server that may only be read says so for the object that was to be written', async () => {
  const { folder, remove } = await serverFolder('readonly');
  await mkdir(join(folder, 'there'));
  const port = await freePort();
  const program = startProgram({
    command: join(TOOLS, 'versitygw'),
    args: ['--port', `127.0.0.1:${port}`, '--health', '/health', '--readonly', '--quiet', 'posix', folder],
    env: { ROOT_ACCESS_KEY: TEST_KEYS.accessKeyId, ROOT_SECRET_KEY: TEST_KEYS.secretAccessKey },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(program, `${url}/health`);
    const store = storeOf({ ...TEST_KEYS, url, region: 'us-east-1' });
    await store.prepareOutput(address, signal);
    await expect(store.upload(address, some(), { signal })).rejects.toMatchObject(
      refusal('STORE_DENIED', /refused to write s3:\/\/there\/x \(AccessDenied.*grant them the right/),
    );
    await store.close();
  } finally {
    await program.stop();
    await remove();
  }
});
