/** Secrets of a home that are made once: of many who make them at once, all get the same. */
import { readFile } from 'node:fs/promises';
import { systemCode } from '../errors.js';
import { makeWhole } from './whole-file.js';

/** The text of a file that only its user may read, which `make` writes where there is none. */
export async function madeOnce(path: string, make: () => string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
  }
  await makeWhole(path, make());
  return readFile(path, 'utf8');
}
