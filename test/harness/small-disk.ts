/** A disk that is soon full: a file system in memory, mounted for a test. Needs root. */
import { execFile } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterThis, scratch } from './optml.js';

const run = promisify(execFile);

/** `options` as mount(8) takes them: `size=16m`, `nr_inodes=100`. */
export async function smallDisk(options: string): Promise<string> {
  const folder = join(await scratch('disk'), 'home');
  await mkdir(folder);
  await run('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'none', folder]);
  afterThis(async () => {
    await run('umount', [folder]);
  });
  return folder;
}

/** Takes all the room that is left. */
export async function fillUp(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const chunk of [Buffer.alloc(1 << 20), Buffer.alloc(1 << 12)])
      try {
        for (;;) await handle.writeFile(chunk);
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown;
      }
  } finally {
    await handle.close();
  }
}
