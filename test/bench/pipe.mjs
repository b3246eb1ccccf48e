/** Pipe mode: one channel read by `cat`, beside `curl > fifo`; unpacked on the way; many objects, raw and as records. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import {
  absent,
  atLeast,
  atMost,
  command,
  has,
  inTurn,
  report,
  ROOT,
  rounds,
  shell,
  timesAsFast,
} from './measure.mjs';
import { SCRATCH, startStaticS3 } from './static-s3.mjs';
import { makeFile } from './uploads.mjs';

const OBJECT = 'bench/data/part-0000000';

export async function bench() {
  if (!has('curl')) return absent('curl', 'apt-get install curl');
  const raw = await compare({
    title: 'Pipe mode, one object of 2 GiB',
    source: { count: 1, fill: path => makeFile(path, 2048) },
    competitors: url => [
      { name: 'optml', members: {} },
      { name: 'curl > fifo', line: `curl -sf ${url}/${OBJECT} > fifo` },
    ],
  });
  const gzip = await compare({
    title: 'Pipe mode, gzip, 512 MiB unpacked',
    source: { count: 1, fill: makeGzip },
    competitors: url => [
      { name: 'optml', members: { gzip: true } },
      { name: 'curl | gzip -dc > fifo', line: `curl -sf ${url}/${OBJECT} | gzip -dc > fifo` },
    ],
  });
  const part = randomBytes(100 * 1024);
  const records = await compare({
    title: 'Pipe mode, 20,000 objects of 100 KiB',
    source: { count: 20_000, contentOf: () => part },
    competitors: () => [
      { name: 'optml, raw', members: {} },
      { name: 'optml, RecordIO', members: { recordIo: true } },
    ],
  });
  if (raw === null || gzip === null || records === null) return;
  atLeast('Pipe mode, 2 GiB raw: beside curl > fifo', timesAsFast(raw, 'curl > fifo'), 1);
  atLeast(
    'Pipe mode, gunzip: beside curl | gzip -dc > fifo',
    timesAsFast(gzip, 'curl | gzip -dc > fifo'),
    1.7,
  );
  atLeast(
    'Pipe mode, 20,000 × 100 KiB as records: beside raw',
    timesAsFast(records, 'optml, raw', 'optml, RecordIO'),
    0.6,
  );
  const memory = [raw.get('optml'), gzip.get('optml'), ...records.values()].map(figure => figure.memory);
  atMost('Pipe mode: memory', Math.max(...memory), 150, 'MB');
}

async function compare({ title, source, competitors }) {
  const server = await startStaticS3(source);
  if (server === null) {
    absent('nginx', 'apt-get install nginx-light');
    return null;
  }
  const folder = mkdtempSync(join(SCRATCH, 'optml-bench-out-'));
  try {
    let out = '';
    const prepare = () => {
      if (out !== '') rmSync(out, { recursive: true });
      out = mkdtempSync(join(folder, 'out-'));
    };
    const child = join(ROOT, 'test/bench/child/pipe.mjs');
    const figures = await inTurn(
      competitors(server.url).map(({ name, members, line }) => ({
        name,
        prepare,
        run: () =>
          line === undefined
            ? fed(child, [server.url, 'data/', out, JSON.stringify(members)])
            : shell(`cd ${out} && mkfifo fifo && { cat fifo > /dev/null & ${line}; wait; }`),
      })),
      rounds(),
    );
    report(title, figures, { rounds: rounds() });
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
  }
}

/** With the reader's time for the wall: it starts when the feeder runs, as a container does. */
async function fed(child, args) {
  const figures = await command(process.execPath, [child, ...args]);
  return { ...figures, wall: Number(readFileSync(join(args[2], 'wall'), 'utf8')) };
}

/** Half a GiB of text that packs to about a half. */
function makeGzip(path) {
  const line = 'head -c 402653184 /dev/urandom | base64 -w 80 | gzip -1';
  execFileSync('sh', ['-c', `${line} > ${path}`], { stdio: ['ignore', 'ignore', 'inherit'] });
}
