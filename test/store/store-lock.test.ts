/** A lock that several find dead at once. */

import { execFileSync, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { OWNER } from '../../src/store/embedded/temporary.js';
import { buildProgram } from './server/server-process.js';

const program = buildProgram();
const root = mkdtempSync(join(tmpdir(), 'optml-lock-'));
afterAll(() => {
  program.remove();
  rmSync(root, { recursive: true, force: true });
});

const [namespace = '', , started = ''] = OWNER.split(' ');
const DEAD = `${namespace} 4194303 ${started}`;

/** Another process, which takes the lock of that key and says so. */
const TAKE = `
  const { underLock } = await import(process.argv[1]);
  const [, , root, key] = process.argv;
  await underLock(root, { bucket: 'bucket', key }, () => console.log('inside'));
`;

it('is broken by one of them: where another has done it, and somebody has it anew, that one keeps it', async () => {
  const locks = join(root, '.optml', 'locks');
  const name = hash('sha256', 'bucket/key');
  const lock = join(locks, name);
  mkdirSync(locks, { recursive: true });
  // Whoever reads of whom this lock is has to wait for what is written here.
  execFileSync('mkfifo', [lock]);
  const module = join(dirname(program.script), '../../../src/store/embedded/store-lock.js');
  const other = spawn(process.execPath, ['--input-type=module', '-e', TAKE, module, root, 'key'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const inside = once(other.stdout, 'data');
  const ended = once(other, 'exit');
  // Opened when the other one is about to read.
  const owner = openSync(lock, 'w');
  rmSync(lock);
  writeFileSync(lock, OWNER);
  const touched: (string | null)[] = [];
  const watcher = watch(locks, (event, entry) => event === 'rename' && touched.push(entry));
  writeSync(owner, DEAD);
  closeSync(owner);
  // What it makes and removes as it finds the lock dead: never the lock itself, though it was for a moment.
  while (touched.length < 2) await once(watcher, 'change');
  expect(touched).toEqual([`${name}+`, `${name}+`]);
  rmSync(lock);
  expect(String((await inside)[0])).toBe('inside\n');
  await ended;
  watcher.close();
});
