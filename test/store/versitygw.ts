/** A real S3 server for tests: versitygw, a Go program that keeps objects as plain files. */

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  freePort,
  serverFolder,
  startProgram,
  TEST_KEYS,
  TOOLS,
  untilReady,
  type RealServer,
} from './server-program.js';

export interface Versitygw extends RealServer {
  /** Buckets are folders of `folder`, objects their files. */
  makeBucket(name: string): Promise<void>;
}

/** Starts a server on a free loopback port. */
export async function startVersitygw(): Promise<Versitygw> {
  const { folder, remove } = await serverFolder('versitygw');
  const port = await freePort();
  const program = startProgram({
    command: join(TOOLS, 'versitygw'),
    args: ['--port', `127.0.0.1:${port}`, '--health', '/health', '--keep-alive', '--quiet', 'posix', folder],
    env: { ROOT_ACCESS_KEY: TEST_KEYS.accessKeyId, ROOT_SECRET_KEY: TEST_KEYS.secretAccessKey },
  });
  const url = `http://127.0.0.1:${port}`;
  async function stop(): Promise<void> {
    await program.stop();
    await remove();
  }
  try {
    await untilReady(program, `${url}/health`);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    name: 'versitygw',
    version: (await readFile(join(TOOLS, 'versitygw.module'), 'utf8')).trim(),
    url,
    region: 'us-east-1',
    ...TEST_KEYS,
    folder,
    async makeBucket(name) {
      await mkdir(join(folder, name));
    },
    stop,
  };
}
