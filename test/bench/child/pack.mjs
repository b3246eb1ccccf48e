/** Packs a folder into a file as the data plane does: `pack.mjs FOLDER FILE`. */
import { open } from 'node:fs/promises';
import { folderOutputs } from '../../../dist/collect/folder-outputs.js';
import { gzip } from '../../../dist/collect/gzip.js';
import { tarOf } from '../../../dist/collect/tarball.js';

const [folder, file] = process.argv.slice(2);
const entries = folderOutputs(() => folder, ['/opt/ml/model']).entries('/opt/ml/model');
const out = await open(file, 'w');
for await (const chunk of gzip(tarOf(entries, () => undefined))) await out.writeFile(chunk);
await out.close();
