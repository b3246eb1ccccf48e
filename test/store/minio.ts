/** A real S3 server for tests: MinIO. */

import { readFile } from 'node:fs/promises';
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

export interface MinioOptions {
  /** Where its buckets are, as `eu-central-1`; it refuses signatures for another region. */
  readonly region?: string;
  /** A folder with `public.crt` and `private.key`: it speaks TLS. */
  readonly certificates?: string;
  /** Asks whether it is ready, where `fetch` does not trust it. */
  readonly ask?: (url: string) => Promise<Response>;
}

/** Starts a server on a free loopback port. */
export async function startMinio({ region, certificates, ask }: MinioOptions = {}): Promise<RealServer> {
  const { folder, remove } = await serverFolder('minio');
  const port = await freePort();
  const certs = certificates ?? join(folder, '..', 'no-certificates');
  const program = startProgram({
    command: join(TOOLS, 'minio'),
    args: ['server', folder, '--quiet', '--address', `127.0.0.1:${port}`, '--certs-dir', certs],
    env: {
      MINIO_ROOT_USER: TEST_KEYS.accessKeyId,
      MINIO_ROOT_PASSWORD: TEST_KEYS.secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      ...(region === undefined ? {} : { MINIO_SITE_REGION: region }),
    },
  });
  const url = `${certificates === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  async function stop(): Promise<void> {
    await program.stop();
    await remove();
  }
  try {
    await untilReady(program, `${url}/minio/health/ready`, ask);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    name: 'MinIO',
    version: (await readFile(join(TOOLS, 'minio.module'), 'utf8')).trim(),
    url,
    region: region ?? 'us-east-1',
    ...TEST_KEYS,
    folder,
    stop,
  };
}
