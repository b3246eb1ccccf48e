/**
 * A server as a process, with `--expose-gc`: `serve.ts ROOT`. Prints its port; for every line that it reads, its state as a line
 * of JSON. Ends with its standard input.
 */

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import { createS3Server } from '../../../src/store/server/s3-server.js';

const [, , root = ''] = process.argv;
const faults: string[] = [];
const server = createS3Server({
  root,
  keys: id => (id === 'OPTMLTESTKEY' ? { secretAccessKey: 'optml/test+secret' } : null),
  region: 'us-east-1',
  hosts: ['localhost'],
  onFault: fault => {
    console.error(fault);
    faults.push(String(fault));
  },
});
const { port } = await server.listen('127.0.0.1', 0);
console.log(port);

async function sayState(): Promise<void> {
  // What one collection finalizes, the next one frees.
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.();
    await turn();
  }
  const { heapUsed } = process.memoryUsage();
  console.log(JSON.stringify({ heapMiB: heapUsed / 2 ** 20, ownMiB: ownKiB() / 2 ** 10, faults }));
}

/** Memory that holds no file's pages: those come and go with what else the machine does. */
function ownKiB(): number {
  return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

createInterface({ input: process.stdin })
  .on('line', () => void sayState())
  .on('close', () => void server.close());
