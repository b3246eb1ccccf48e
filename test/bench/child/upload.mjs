/** Uploads a folder as the data plane does: `upload.mjs URL FOLDER KEY [tar.gz]`; without `tar.gz`, one object a file below KEY. */
import { fixedCredentials } from '../../../dist/aws/credentials.js';
import { folderOutputs } from '../../../dist/collect/folder-outputs.js';
import { uploadOutput } from '../../../dist/collect/upload-output.js';
import { openStore } from '../../../dist/store/open-store.js';

const [url, folder, key, form = 'objects'] = process.argv.slice(2);
const credentials = fixedCredentials({
  accessKeyId: process.env.AWS_ACCESS_KEY_ID,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
});
const store = await openStore({ kind: 'url', url, region: 'us-east-1', credentials });
await uploadOutput({
  upload: { from: '/opt/ml/model', to: { bucket: 'bench', key }, form, kmsKeyId: null },
  outputs: folderOutputs(() => folder, ['/opt/ml/model']),
  store,
  signal: new AbortController().signal,
  onTransfer: () => undefined,
  onLeftOut: () => undefined,
});
await store.close();
