/** One channel of the static store, listed: `openChannel(URL, PREFIX, FOLDER, members of its plan)`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixedCredentials } from '../../../dist/aws/credentials.js';
import { openStore } from '../../../dist/store/open-store.js';
import { listChannel } from '../../../dist/survey/list-channel.js';

export const FOLDER = '/opt/ml/input/data/train';

export async function openChannel(url, prefix, folder, members) {
  const credentials = fixedCredentials({ accessKeyId: 'bench', secretAccessKey: 'bench' });
  const bundle = process.env.AWS_CA_BUNDLE;
  const ca = bundle === undefined ? {} : { ca: readFileSync(bundle, 'utf8') };
  const store = await openStore({ kind: 'url', url, region: 'us-east-1', credentials, ...ca });
  const location = { bucket: 'bench', key: prefix };
  const listing = await listChannel(
    {
      job: { request: {}, region: 'us-east-1' },
      channel: { name: 'train', dataType: 'S3Prefix', location },
      store,
      file: join(folder, 'listing'),
    },
    new AbortController().signal,
  );
  const plan = {
    ...{ name: 'train', mode: 'File', location, dataType: 'S3Prefix', folder: FOLDER, manifest: null },
    ...{ share: { index: 0, of: 1 }, gzip: false, recordIo: false, shuffleSeed: null, attributeNames: [] },
    ...members,
  };
  return { store, listing, plan };
}
