/** Small files that a thread makes: as it is shipped, because a thread runs no TypeScript. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { FileWriter } from '../../src/store/s3/file-writer.js';

const { createFileWriter } = (await import(
  join(import.meta.dirname, '../../dist/store/s3/file-writer.js')
)) as { createFileWriter: () => FileWriter };

const folder = mkdtempSync(join(tmpdir(), 'optml-file-writer-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** One whose thread is there: what the caller's own makes is there when `write` returns. */
async function busyWriter(name: string): Promise<FileWriter> {
  const files = createFileWriter();
  for (let index = 0; ; index += 1) {
    const path = join(folder, `${name}-${index}`);
    const written = files.write(path, [Buffer.from(name)]);
    const made = existsSync(path);
    await written;
    if (!made) return files;
    await new Promise(resolve => setImmediate(resolve));
  }
}

test('many are all as they were given, though what held their bytes is used again at once', async () => {
  const files = await busyWriter('first');
  const held = Buffer.alloc(2 * 10_000);
  const turns = Array.from({ length: 20 }, async (_, turn) => {
    for (let index = 0; index < 50; index += 1) {
      const name = `many-${turn}-${index}`;
      const size = (turn * 997 + index * 31) % 10_000;
      held.fill(name, 0, size);
      const written = files.write(join(folder, name), [
        held.subarray(0, size >> 1),
        held.subarray(size >> 1, size),
      ]);
      held.fill(0);
      await written;
    }
  });
  await Promise.all(turns);
  await files.close();
  for (let turn = 0; turn < 20; turn += 1)
    for (let index = 0; index < 50; index += 1) {
      const name = `many-${turn}-${index}`;
      const size = (turn * 997 + index * 31) % 10_000;
      expect(readFileSync(join(folder, name)).equals(Buffer.alloc(size).fill(name, 0, size))).toBe(true);
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o644);
    }
});

test('one that cannot be made is rejected with what the system says, and no other one is', async () => {
  const files = await busyWriter('refused');
  writeFileSync(join(folder, 'there'), 'first');
  const paths = ['before', 'there', 'no-folder/file', 'after'].map(name => join(folder, name));
  for (let round = 0; round < 3; round += 1) {
    const ends = await Promise.allSettled(
      paths.map(path => files.write(path.replace(/(before|after)$/, `$1-${round}`), [Buffer.from('new')])),
    );
    expect(
      ends.map(end => (end.status === 'fulfilled' ? '' : (end.reason as NodeJS.ErrnoException).code)),
    ).toEqual(['', 'EEXIST', 'ENOENT', '']);
    expect(ends[1]).toMatchObject({ reason: { path: paths[1] } });
  }
  await files.close();
  expect(readFileSync(join(folder, 'there'), 'utf8')).toBe('first');
  expect(readFileSync(join(folder, 'after-2'), 'utf8')).toBe('new');
});

test('more than fits into the memory of the thread is written all the same', async () => {
  const files = await busyWriter('large');
  const bytes = Buffer.alloc(300_000, 'x');
  const names = Array.from({ length: 40 }, (_, index) => `more-${index}`);
  await Promise.all(names.map(name => files.write(join(folder, name), [bytes])));
  await files.write(
    join(folder, 'more-large'),
    Array.from({ length: 5 }, () => bytes),
  );
  await files.close();
  for (const name of names) expect(statSync(join(folder, name)).size).toBe(bytes.length);
  expect(statSync(join(folder, 'more-large')).size).toBe(5 * bytes.length);
});

test('closing ends what is not written yet, and leaves nothing of it', async () => {
  const files = await busyWriter('closed');
  const pending = Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => files.write(join(folder, `late-${index}`), [Buffer.alloc(9)])),
  );
  await files.close();
  const made = readdirSync(folder).filter(name => name.startsWith('late-'));
  const whole = (await pending).flatMap(({ status }, index) =>
    status === 'fulfilled' ? [`late-${index}`] : [],
  );
  expect(made.sort()).toEqual(whole.sort());
  for (const name of made) expect(statSync(join(folder, name)).size).toBe(9);
});
