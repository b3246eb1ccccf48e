/**
 * Clients that send or take next to nothing: the server ends them in its own time, and serves others meanwhile. The others come
 * in by a door of their own, in the same process: no limit that is small for a test's sake is theirs.
 */

import { mkdirSync, readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUCKET, sendSigned, signRequest, startServer, type Running } from './harness.js';
import { closed, exchange, presignedPut } from './raw-socket.js';

const CLIENTS = 50;
let others: Running;
/** A short limit on heads. */
let heads: Running;
/** A short limit on bodies, either way. */
let bodies: Running;

beforeAll(async () => {
  others = await startServer();
  const { root } = others;
  heads = await startServer({ root, limits: { headersMs: 300 } });
  bodies = await startServer({ root, limits: { idleMs: 300 } });
  mkdirSync(join(root, BUCKET), { recursive: true });
  writeFileSync(join(root, BUCKET, 'kept'), 'kept');
});
afterAll(async () => {
  expect(readdirSync(join(others.root, BUCKET)).sort()).toEqual(['kept', 'large']);
  for (const server of [heads, bodies, others]) await server.stop();
});

const hostOf = ({ port }: Running) => `Host: 127.0.0.1:${port}`;

/** Another client's request, which is answered as ever. */
async function serveAnother(): Promise<void> {
  const { status, body } = await sendSigned(others.port, { path: `/${BUCKET}/kept` });
  expect([status, body.toString()]).toEqual([200, 'kept']);
}

/**
 * Many clients begin alike and then send a byte each, again and again; after each byte another client is served. Gives what
 * they were told when the server has ended all of them.
 */
async function drip({ port }: Running, start: string): Promise<string[]> {
  const sockets = Array.from({ length: CLIENTS }, () => connect(port, '127.0.0.1'));
  const told = sockets.map(async socket => {
    const pieces: Buffer[] = [];
    socket.on('data', piece => pieces.push(piece)).on('error', () => undefined);
    socket.write(start);
    await closed(socket);
    return Buffer.concat(pieces).toString();
  });
  while (sockets.some(socket => !socket.destroyed)) {
    for (const socket of sockets) if (socket.writable) socket.write('x');
    await serveAnother();
  }
  return await Promise.all(told);
}

const timedOut = (answers: readonly string[]) =>
  answers.filter(answer => /^HTTP\/1\.1 400 [^]*<Code>RequestTimeout<\/Code>/.test(answer)).length;

it('a head that does not go on is given up', async () => {
  const answer = await exchange(heads.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n');
  expect(answer).toContain('<Code>RequestTimeout</Code>');
});

it('a client that says nothing at all is given up', async () => {
  expect(await exchange(heads.port, '')).toContain('<Code>RequestTimeout</Code>');
});

it('a head that comes byte by byte is given up', async () => {
  expect(timedOut(await drip(heads, `GET / HTTP/1.1\r\n${hostOf(heads)}\r\nX: `))).toBe(CLIENTS);
});

it.each([
  ['small', 10_000],
  ['large', 1_000_000],
])('a %s body that stops in the middle is given up, and nothing of it is kept', async (_, bytes) => {
  const path = await presignedPut(bodies.client, 'stalled');
  const half = 'x'.repeat(bytes / 2);
  const answer = await exchange(
    bodies.port,
    `PUT ${path} HTTP/1.1\r\n${hostOf(bodies)}\r\nContent-Length: ${bytes}\r\n\r\n${half}`,
  );
  expect(timedOut([answer])).toBe(1);
});

it.each([
  ['small', 10_000],
  ['large', 1_000_000],
])('a %s body that comes byte by byte is given up, and nothing of it is kept', async (_, bytes) => {
  const path = await presignedPut(bodies.client, 'dripping');
  const answers = await drip(
    bodies,
    `PUT ${path} HTTP/1.1\r\n${hostOf(bodies)}\r\nContent-Length: ${bytes}\r\n\r\n`,
  );
  expect(timedOut(answers)).toBe(CLIENTS);
});

it('a client that takes nothing of a large object is given up, and the file is closed', async () => {
  const file = join(bodies.root, BUCKET, 'large');
  writeFileSync(file, '');
  truncateSync(file, 256 * 1024 ** 2);
  const { path, headers } = await signRequest(bodies.port, { path: `/${BUCKET}/large` });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(bodies.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  // Of what comes the socket holds a little, and the system a little more.
  await once(socket, 'readable');
  while (isOpen(file)) await serveAnother();
  let taken = 0;
  socket.on('data', piece => (taken += piece.length)).resume();
  await closed(socket);
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(256 * 1024 ** 2);
});

/** Has this process, which is the server's, the file open? */
function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some(descriptor => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      return false;
    }
  });
}
