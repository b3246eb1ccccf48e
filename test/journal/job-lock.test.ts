import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askToStop, listenForStop } from '../../src/journal/control-socket.js';
import { acquireLock, lockIds, lockState } from '../../src/journal/job-lock.js';
import { formatOwner, lifeOf, parseOwner, thisProcess } from '../../src/journal/owner.js';
import { afterThis, scratch } from '../harness/optml.js';

const HOME = '/some/home';
const me = thisProcess(HOME);
/** No process has a number above the kernel's limit. */
const dead = { ...me, pid: 2 ** 22 + 1, started: '1' };

test('one of many who ask at the same moment gets the lock', async () => {
  const folder = await scratch();
  for (let round = 0; round < 50; round += 1) {
    const locks = await Promise.all(
      Array.from({ length: 16 }, () => acquireLock(folder, 'training-a', { owner: me })),
    );
    expect(locks.filter(lock => lock !== null).length).toBe(1);
    for (const lock of locks) await lock?.release();
    expect(await lockState(folder, 'training-a', HOME)).toEqual({ kind: 'free' });
  }
  expect(await readdir(folder)).toEqual([]);
});

test("a dead owner's lock is taken over, and nothing of it stays", async () => {
  const folder = await scratch();
  await writeFile(join(folder, 'training-a.7.lock'), formatOwner(dead));
  expect((await lockState(folder, 'training-a', HOME)).kind).toBe('stale');
  const lock = await acquireLock(folder, 'training-a', { owner: me });
  expect(lock).not.toBeNull();
  expect(await readdir(folder)).toEqual(['training-a.8.lock']);
  await lock?.release();
  expect(await readdir(folder)).toEqual([]);
});

test('a lock that goes while it is looked at is free, not one of an unknown owner', async () => {
  const folder = await scratch();
  const seen = new Set<string>();
  for (let round = 0; round < 300; round += 1) {
    const lock = await acquireLock(folder, 'training-a', { owner: me });
    const looks = Array.from({ length: 4 }, () => lockState(folder, 'training-a', HOME));
    await lock?.release();
    for (const { kind } of await Promise.all(looks)) seen.add(kind);
  }
  expect(seen).not.toContain('unknown');
});

test('names that begin alike are different locks', async () => {
  const folder = await scratch();
  const one = await acquireLock(folder, 'training-a', { owner: me });
  const two = await acquireLock(folder, 'training-a.b', { owner: me });
  expect(one).not.toBeNull();
  expect(two).not.toBeNull();
  expect((await lockIds(folder)).sort()).toEqual(['training-a', 'training-a.b']);
  await one?.release();
  await two?.release();
});

test('a process is told from a later one of the same number, and from those of other homes and machines', () => {
  expect(lifeOf(me, HOME)).toBe('alive');
  expect(lifeOf({ ...me, started: '1' }, HOME)).toBe('dead');
  expect(lifeOf({ ...me, boot: 'an earlier one' }, HOME)).toBe('dead');
  expect(lifeOf(me, '/another/home')).toBe('alive');
  expect(lifeOf({ ...me, started: '1' }, '/another/home')).toBe('unknown');
  expect(lifeOf({ ...me, machine: 'another' }, HOME)).toBe('unknown');
  expect(lifeOf({ ...me, pidNamespace: 'pid:[1]' }, HOME)).toBe('unknown');
  expect(lifeOf(null, HOME)).toBe('unknown');
});

test('a zombie is dead', async () => {
  // A shell that stops itself cannot collect its child, which ends when its input does.
  const shell = spawn('sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; kill -STOP $$']);
  afterThis(async () => {
    shell.kill('SIGKILL');
    await new Promise(resolve => shell.once('close', resolve));
  });
  const pid = await new Promise<number>(resolve =>
    shell.stdout.once('data', (text: Buffer) => resolve(Number(text))),
  );
  const stat = async (): Promise<string[]> =>
    (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/.*\) /s, '').split(' ');
  const child = { ...me, pid, started: (await stat())[19] ?? '' };
  expect(lifeOf(child, HOME)).toBe('alive');
  shell.stdin.end();
  while ((await stat())[0] !== 'Z') await new Promise(resolve => setImmediate(resolve));
  expect(lifeOf(child, HOME)).toBe('dead');
});

test.each(['', '{', 'null', '[]', '{"pid":"1"}'])('%j names no owner', text => {
  expect(parseOwner(text)).toBeNull();
});

test('a listener that ends before it takes the word is nobody', async () => {
  const folder = await scratch();
  const first = await listenForStop(folder, 'training-a', () => undefined);
  const [name = ''] = await readdir(folder);
  await first.close();
  // It listens, and takes nothing: connections wait in the kernel.
  const listens = `require('node:net').createServer().listen(${JSON.stringify(join(folder, name))}, () => {
    process.stdout.write('listens');
    require('node:fs').readSync(0, Buffer.alloc(1));
  })`;
  const owner = spawn(process.execPath, ['-e', listens], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(owner.stdout, 'data');
  const asking = askToStop(folder, 'training-a');
  owner.kill('SIGKILL');
  expect(await asking).toBe(false);
});

test('a word on the socket stops, also where the path is longer than a socket may have', async () => {
  const folder = await scratch(
    'a-folder-with-a-name-that-is-much-longer-than-the-kernel-would-take-for-the-path-of-a-socket',
  );
  let stops = 0;
  const socket = await listenForStop(folder, 'training-a', () => (stops += 1));
  expect(await askToStop(folder, 'training-a')).toBe(true);
  expect(stops).toBe(1);
  await socket.close();
  expect(await askToStop(folder, 'training-a')).toBe(false);
  expect(await readdir(folder)).toEqual([]);
});
