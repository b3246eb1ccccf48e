/** The embedded store as a server, beside MinIO on the same disk: small objects, put and got by one client. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { absent, atLeast, command, inTurn, report, ROOT, rounds, timesAsFast } from './measure.mjs';
import { answers, freePort } from './static-s3.mjs';

const MINIO = join(ROOT, 'node_modules/.cache/tools/minio');
const OBJECTS = 5_000;

export async function bench() {
  if (!existsSync(MINIO)) return absent('MinIO', 'sh test/tools.sh builds it');
  const parent = join(ROOT, 'node_modules/.cache/bench');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'server-'));
  const servers = [];
  try {
    servers.push(await startEmbedded(join(folder, 'home')), await startMinio(join(folder, 'minio')));
    for (const [what, verb] of [
      ['PUT', 'put'],
      ['GET', 'get'],
    ]) {
      const figures = await inTurn(
        servers.map(({ name, url, keys }) => ({ name, run: () => load(url, { keys, verb, folder }) })),
        rounds(),
      );
      report(`${what} of ${OBJECTS.toLocaleString('en')} × 10 KiB, 32 at once`, figures, {
        rounds: rounds(),
      });
      atLeast(`${what} of small objects: beside MinIO`, timesAsFast(figures, 'MinIO', 'embedded'), 1);
    }
  } finally {
    for (const { stop } of servers) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The time of the requests, without the start of the client. */
async function load(url, { keys, verb, folder }) {
  const out = join(folder, 'wall');
  const env = { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret };
  const child = join(ROOT, 'test/bench/child/load.mjs');
  await command(process.execPath, [child, url, verb, String(OBJECTS), out], { env });
  return { wall: Number(readFileSync(out, 'utf8')) };
}

async function startEmbedded(home) {
  const env = { PATH: process.env.PATH, HOME: home, OPTML_HOME: home };
  mkdirSync(join(home, 's3/bench'), { recursive: true });
  const port = await freePort();
  const server = spawn(
    process.execPath,
    [join(ROOT, 'dist/faces/cli/main.js'), 'up', '--port', String(port)],
    {
      stdio: 'ignore',
      env,
    },
  );
  await answers(port);
  const keys = JSON.parse(readFileSync(join(home, 'keys.json'), 'utf8'));
  return {
    name: 'embedded',
    url: `http://127.0.0.1:${port}`,
    keys: { id: keys.accessKeyId, secret: keys.secretAccessKey },
    stop: () => end(server),
  };
}

async function startMinio(folder) {
  mkdirSync(join(folder, 'bench'), { recursive: true });
  const keys = { id: 'BENCHKEY', secret: 'bench/secret+key' };
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    MINIO_ROOT_USER: keys.id,
    MINIO_ROOT_PASSWORD: keys.secret,
    MINIO_BROWSER: 'off',
    MINIO_UPDATE: 'off',
  };
  const server = spawn(MINIO, ['server', folder, '--quiet', '--address', `127.0.0.1:${port}`], {
    stdio: 'ignore',
    env,
  });
  await answers(port);
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const ready = await fetch(`${url}/minio/health/ready`).then(
      answer => answer.ok,
      () => false,
    );
    if (ready) break;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  return { name: 'MinIO', url, keys, stop: () => end(server) };
}

async function end(server) {
  server.kill();
  await once(server, 'exit');
}
