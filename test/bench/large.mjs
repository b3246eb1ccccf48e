/** File mode: one object of 2 GiB, over http and https, beside curl. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { absent, command, inTurn, report, ROOT, rounds } from './measure.mjs';
import { SCRATCH, startStaticS3 } from './static-s3.mjs';
import { makeFile } from './uploads.mjs';

export async function bench() {
  const server = await startStaticS3({ count: 1, fill: path => makeFile(path, 2048), tls: true });
  if (server === null) {
    absent('nginx', 'apt-get install nginx-light');
    return;
  }
  const folder = mkdtempSync(join(SCRATCH, 'optml-bench-out-'));
  try {
    for (const { scheme, url } of [
      { scheme: 'http', url: server.url },
      { scheme: 'https', url: server.secureUrl },
    ]) {
      let out = '';
      const prepare = () => {
        if (out !== '') rmSync(out, { recursive: true });
        out = mkdtempSync(join(folder, 'out-'));
      };
      const env = { ...process.env, AWS_CA_BUNDLE: server.ca };
      const child = join(ROOT, 'test/bench/child/download.mjs');
      const figures = await inTurn(
        [
          { name: 'optml', run: () => command(process.execPath, [child, url, 'data/', out], { env }) },
          {
            name: 'curl -k',
            run: () => command('curl', ['-skfo', join(out, 'object'), `${url}/bench/data/part-0000000`]),
          },
        ].map(one => ({ ...one, prepare })),
        rounds(),
      );
      report(`File mode, one object of 2 GiB, ${scheme}`, figures, { rounds: rounds() });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
  }
}
