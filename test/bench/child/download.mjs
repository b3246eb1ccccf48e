/** Lists and downloads one channel as the data plane does: `download.mjs URL PREFIX FOLDER`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stageHost } from '../../../dist/channels/stage-host.js';
import { FOLDER, openChannel } from './channel.mjs';

const [url, prefix, folder] = process.argv.slice(2);
const { store, listing, plan } = await openChannel(url, prefix, folder, { manifest: `${FOLDER}-manifest` });
mkdirSync(join(folder, 'room'));
await stageHost({
  host: { folders: [FOLDER], files: {}, channels: [plan] },
  listings: [listing],
  store,
  room: join(folder, 'room'),
  signal: new AbortController().signal,
  onTransfer: () => undefined,
  onChannel: () => undefined,
});
await store.close();
