/** Where this home's `optml up` listens, for `optml env`: a file that counts only while its process lives. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import type { Home } from './home.js';
import { formatOwner, lifeOf, parseOwner, thisProcess } from './owner.js';

export async function sayEndpoint(home: Home, url: string): Promise<{ forget(): Promise<void> }> {
  const owner = formatOwner(thisProcess(home.folder));
  await writeFile(fileOf(home), JSON.stringify({ url, owner }), { mode: 0o600 });
  return { forget: () => rm(fileOf(home), { force: true }) };
}

/** Null when none is running. */
export async function runningEndpoint(home: Home): Promise<string | null> {
  try {
    const { url, owner } = JSON.parse(await readFile(fileOf(home), 'utf8')) as { url: string; owner: string };
    return lifeOf(parseOwner(owner), home.folder) === 'alive' ? url : null;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

function fileOf(home: Home): string {
  return join(home.run, 'endpoint.json');
}
