/** The keys of a home: whoever may read the home may call its servers, and nobody else. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Home } from './home.js';
import { madeOnce } from './made-once.js';

export interface HomeKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Made once. */
export async function homeKeys(home: Home): Promise<HomeKeys> {
  const text = await madeOnce(join(home.folder, 'keys.json'), () =>
    JSON.stringify({
      accessKeyId: `OPTML${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64url'),
    } satisfies HomeKeys),
  );
  return JSON.parse(text) as HomeKeys;
}
