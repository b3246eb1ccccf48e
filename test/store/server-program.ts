/** S3 servers that are programs of their own, for tests: started on free loopback ports, ended with all that they kept. */

import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What a client has to know of a store. */
export interface S3Address {
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RealServer extends S3Address {
  /** As it is called in tests and in the table of known faults. */
  readonly name: string;
  /** What was built or installed, with its version. */
  readonly version: string;
  /** Where it keeps what it keeps. */
  readonly folder: string;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

/** What `test/tools.sh` has built and installed. */
export const TOOLS = join(import.meta.dirname, '../../node_modules/.cache/tools');

export const TEST_KEYS = { accessKeyId: 'OPTMLTESTKEY', secretAccessKey: 'optml/test+secret' };

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const READY_MS = 30_000;
const LAST_WORDS = 4_000;

export interface RunningProgram {
  /** Throws, with its last words, when it has ended by itself. */
  assertRuns(): void;
  stop(): Promise<void>;
}

export function startProgram({ command, args, env = {} }: Program): RunningProgram {
  const child = spawn(command, [...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const listen = (text: Buffer): void => {
    said = (said + text.toString()).slice(-LAST_WORDS);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  child.on('error', error => listen(Buffer.from(error.message)));
  return {
    assertRuns() {
      if (child.pid === undefined || hasEnded(child))
        throw new Error(`${command} ended by itself (exit status ${child.exitCode}): ${said}`);
    },
    async stop() {
      if (child.pid === undefined || hasEnded(child)) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Returns when the URL answers with a 2xx; throws when the program ends before, or takes too long. */
export async function untilReady(
  program: RunningProgram,
  health: string,
  ask: (url: string) => Promise<Response> = fetch,
): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const ready = await ask(health).then(
      answer => answer.ok,
      () => false,
    );
    if (ready) return;
    program.assertRuns();
    if (Date.now() > deadline) throw new Error(`nothing answered at ${health} within ${READY_MS} ms`);
    await delay(20);
  }
}

const PORTS_FROM = 10_000;
const CHOICES = 100;

/**
 * Below those that the kernel gives to connections and to whoever listens on port 0: until the program listens, only another choice
 * of the same number could take it.
 */
export async function freePort(): Promise<number> {
  const before = await firstOfKernel();
  for (let choice = 0; choice < CHOICES; choice += 1) {
    const port = randomInt(PORTS_FROM, before);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${PORTS_FROM} to ${before} is free`);
}

async function firstOfKernel(): Promise<number> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '');
  const first = Number.parseInt(range, 10);
  return first > PORTS_FROM ? first : 32_768;
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** In the checkout, not in /tmp: Swift needs extended attributes, which a tmpfs may not have. */
export async function serverFolder(name: string): Promise<{ folder: string; remove: () => Promise<void> }> {
  const parent = join(TOOLS, '../test');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, `${name}-`));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}
