/**
 * Feeds one epoch of a Pipe channel to `cat`, as a job does: `pipe.mjs URL PREFIX FOLDER MEMBERS`. What the reader took, in
 * milliseconds, is written to FOLDER/wall: in a job the feeder runs before the container does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { feedHost } from '../../../dist/channels/feed-host.js';
import { makeFifos } from '../../../dist/channels/fifos.js';
import { fifoFolder, fifoName } from '../../../dist/plan/fifo-names.js';
import { feederOf } from '../../../dist/feeder.js';
import { openChannel } from './channel.mjs';

const [url, prefix, folder, members] = process.argv.slice(2);
const { store, listing, plan } = await openChannel(url, prefix, folder, {
  mode: 'Pipe',
  ...JSON.parse(members),
});
const room = join(folder, 'room');
const fifos = join(room, fifoFolder(plan));
mkdirSync(fifos, { recursive: true });
await makeFifos(fifos, [fifoName(plan, 0)]);
const environment = { ...process.env, AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' };
const feeding = await feedHost({
  room,
  channels: [{ plan, listing }],
  startFeeder: feederOf({
    settings: { store: url, region: 'us-east-1', maps: [], workingFolder: folder },
    place: { environment, folder },
  }),
});
feeding.failed.catch(thrown => {
  console.error(thrown);
  process.exit(1);
});
const start = performance.now();
const reader = spawn('sh', ['-c', `exec cat ${join(fifos, fifoName(plan, 0))} > /dev/null`], {
  stdio: 'ignore',
});
await once(reader, 'exit');
writeFileSync(join(folder, 'wall'), String(performance.now() - start));
await feeding.stop();
await store.close();
