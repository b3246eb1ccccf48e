/** Removes what a container wrote. It can nest folders deeper than any path reaches, where `fs.rm` gives up. */
import { readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { unmountBelow } from '../channels/lazy-mount.js';
import { systemCode } from '../errors.js';

/** A missing folder is no error. */
export async function removeTree(folder: string): Promise<void> {
  await unmountBelow(folder);
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENAMETOOLONG') throw thrown;
    await unravel(folder);
  }
}

const SLASH = Buffer.alloc(1, '/');

/** Moves every folder to the top before it is looked into, so that no path is long. Names may be no UTF-8. */
async function unravel(root: string): Promise<void> {
  const folders = [root];
  for (const folder of folders) {
    // What `fs.rm` began goes on for a while after it has failed, so that anything may be gone.
    const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' }).catch(missing);
    for (const entry of entries ?? []) {
      const path = Buffer.concat([Buffer.from(folder), SLASH, entry.name]);
      const top = `${root}/.unravelled-${folders.length}`;
      if (!entry.isDirectory()) await unlink(path).catch(missing);
      else if ((await rename(path, top).catch(missing)) !== null) folders.push(top);
    }
  }
  for (const folder of folders.reverse()) await rmdir(folder).catch(missing);
}

function missing(thrown: unknown): null {
  if (systemCode(thrown) !== 'ENOENT') throw thrown;
  return null;
}
