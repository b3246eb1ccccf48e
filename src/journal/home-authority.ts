/** The certificate authority of a home, which containers of its jobs trust; its key never leaves the home. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isCurrent, makeAuthority, type Identity } from '../certificates/authority.js';
import type { Home } from './home.js';
import { madeOnce } from './made-once.js';

/** Made once, and anew when it has run out. `now` in milliseconds since 1970. */
export async function homeAuthority(home: Home, now: number): Promise<Identity> {
  const path = join(home.folder, 'authority.json');
  const read = async (): Promise<Identity> =>
    JSON.parse(await madeOnce(path, () => JSON.stringify(makeAuthority(now)))) as Identity;
  const found = await read();
  if (isCurrent(found, now)) return found;
  await rm(path, { force: true });
  return read();
}
