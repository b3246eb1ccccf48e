/** A real S3 server for tests: versitygw, a Go program that keeps objects as plain files. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Versitygw {
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Buckets are its folders, objects their files. */
  readonly folder: string;
  makeBucket(name: string): Promise<void>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

/** Built by `test/tools.sh`. */
const BINARY = join(import.meta.dirname, '../../node_modules/.cache/tools/versitygw');
const READY_MS = 20_000;

/** Starts a server on a free loopback port. */
export async function startVersitygw(): Promise<Versitygw> {
  const folder = await mkdtemp(join(tmpdir(), 'optml-versitygw-'));
  const port = await freePort();
  const keys = { accessKeyId: 'OPTMLTESTKEY', secretAccessKey: 'optml/test+secret' };
  const server = spawn(
    BINARY,
    ['--port', `127.0.0.1:${port}`, '--health', '/health', '--keep-alive', '--quiet', 'posix', folder],
    {
      env: { ...process.env, ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
      stdio: 'ignore',
    },
  );
  const url = `http://127.0.0.1:${port}`;
  await untilReady(server, `${url}/health`);
  return {
    url,
    region: 'us-east-1',
    ...keys,
    folder,
    async makeBucket(name) {
      await mkdir(join(folder, name));
    },
    async stop() {
      if (server.exitCode === null && server.signalCode === null) {
        server.kill('SIGKILL');
        await once(server, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilReady(server: ChildProcess, health: string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (!(await answers(health))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      server.kill('SIGKILL');
      throw new Error(`versitygw did not become ready (exit status ${String(server.exitCode)})`);
    }
    await delay(20);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
