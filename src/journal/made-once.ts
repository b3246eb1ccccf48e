/** Secrets of a home that are made once: of several processes that make them at once, all get the same. */
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { systemCode } from '../errors.js';

/** The text of a file that only its user may read, which `make` writes where there is none. */
export async function madeOnce(path: string, make: () => string): Promise<string> {
  const draft = `${path}.${process.pid}`;
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
  }
  try {
    await writeFile(draft, make(), { mode: 0o600 });
    await link(draft, path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
  } finally {
    await unlink(draft).catch(() => undefined);
  }
  return readFile(path, 'utf8');
}
