/** Lists and downloads one channel as the data plane does: `download.mjs URL PREFIX FOLDER`. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixedCredentials } from '../../../dist/aws/credentials.js';
import { stageHost } from '../../../dist/channels/stage-host.js';
import { openStore } from '../../../dist/store/open-store.js';
import { listChannel } from '../../../dist/survey/listing.js';

const [url, prefix, folder] = process.argv.slice(2);
const { signal } = new AbortController();
const credentials = fixedCredentials({ accessKeyId: 'bench', secretAccessKey: 'bench' });
const bundle = process.env.AWS_CA_BUNDLE;
const ca = bundle === undefined ? {} : { ca: readFileSync(bundle, 'utf8') };
const store = await openStore({ kind: 'url', url, region: 'us-east-1', credentials, ...ca });
const location = { bucket: 'bench', key: prefix };
const job = { request: {}, region: 'us-east-1' };
const listing = await listChannel(
  { job, channel: { name: 'train', location }, store, file: join(folder, 'listing') },
  signal,
);
const path = '/opt/ml/input/data/train';
const channels = [{ name: 'train', mode: 'File', location, folder: path, manifest: `${path}-manifest` }];
mkdirSync(join(folder, 'room'));
await stageHost({
  host: { folders: [path], files: {}, channels },
  listings: [listing],
  store,
  room: join(folder, 'room'),
  signal,
  onTransfer: () => undefined,
  onChannel: () => undefined,
});
await store.close();
