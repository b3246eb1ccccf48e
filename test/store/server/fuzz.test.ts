/** 15,000 requests made of chance, to a server in a process of its own: none ends it, and it keeps nothing of them. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUCKET } from './harness.js';
import { mangledRequest, mulberry32, signedNonsense } from './nonsense-requests.js';
import { exchangeAndLeave, presignedPut } from './raw-socket.js';
import { buildProgram, startProcess, type ServerProcess } from './server-process.js';

const SEED = 20_261_123;
const HALF = 5_000;
const AT_ONCE = 40;
/** MiB: of a hundred bytes kept for each request of a half there would be as much. */
const HEAP_GROWTH = 0.5;
/** MiB: the allocator keeps pages for later, so this says less. */
const OWN_GROWTH = 10;

const program = buildProgram();
const random = mulberry32(SEED);
let parent: string;
let server: ServerProcess;
let presigned: string;

beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'optml-s3-fuzz-'));
  server = await startProcess(program, join(parent, 's3'));
  await server.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  presigned = await presignedPut(server.client, 'half');
});
afterAll(async () => {
  await server.kill();
  program.remove();
  expect(readdirSync(parent)).toEqual(['s3']);
  rmSync(parent, { recursive: true, force: true });
});

/** As many of either kind. */
async function sendHalf(): Promise<void> {
  let answered = 0;
  for (let sent = 0; sent < HALF; sent += AT_ONCE) {
    const requests = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) =>
        index % 2 === 0
          ? mangledRequest(random, { presigned, port: server.port })
          : await signedNonsense(random, server.port),
      ),
    );
    const answers = await Promise.all(requests.map(request => exchangeAndLeave(server.port, request)));
    answered += answers.filter(answer => answer.startsWith('HTTP/1.1 ')).length;
    expect(
      answers.filter(answer => answer !== '' && !/^HTTP\/1\.1 [1-4]\d\d |^HTTP\/1\.1 501 /.test(answer)),
    ).toEqual([]);
  }
  expect(answered).toBeGreaterThan(0.94 * HALF);
}

it('are answered or refused, and none ends the server', async () => {
  await sendHalf();
  const { faults } = await server.state();
  expect(faults).toEqual([]);
});

it('leave nothing behind in its memory: after as many again it is what it was after the half of them', async () => {
  // What the server compiles for the many it has compiled by now.
  await sendHalf();
  const first = await server.state();
  await sendHalf();
  const second = await server.state();
  expect(second.faults).toEqual([]);
  expect(second.heapMiB - first.heapMiB).toBeLessThan(HEAP_GROWTH);
  expect(second.ownMiB - first.ownMiB).toBeLessThan(OWN_GROWTH);
});
