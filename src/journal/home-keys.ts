/** The keys of a home: whoever may read the home may call its servers, and nobody else. */
import { randomBytes } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import type { Home } from './home.js';

export interface HomeKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Made once; of several processes that make them at once, all get the same. */
export async function homeKeys(home: Home): Promise<HomeKeys> {
  const path = join(home.folder, 'keys.json');
  const draft = `${path}.${process.pid}`;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as HomeKeys;
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
  }
  const made: HomeKeys = {
    accessKeyId: `OPTML${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
  try {
    await writeFile(draft, JSON.stringify(made), { mode: 0o600 });
    await link(draft, path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
  } finally {
    await unlink(draft).catch(() => undefined);
  }
  return JSON.parse(await readFile(path, 'utf8')) as HomeKeys;
}
