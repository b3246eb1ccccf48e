import { randomUUID } from 'node:crypto';
import { link, unlink, writeFile } from 'node:fs/promises';
import { systemCode } from '../errors.js';

/**
 * Makes a file that only its user may read, and that is never seen half-written; false when there is one already. Of many
 * who try at once, also within one process, one makes it.
 */
export async function makeWhole(path: string, text: string): Promise<boolean> {
  // Two drafts of one name would be cut short, or taken away, by each other.
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
    await link(draft, path);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') return false;
    throw thrown;
  } finally {
    await unlinkIfThere(draft);
  }
}

export async function unlinkIfThere(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
  }
}
