/**
 * A real S3 server for tests: OpenStack Swift with s3api, a Python program. Its four servers (account, container, object,
 * proxy) run on one folder, each in a process; no root, no memcached.
 */

import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  freePort,
  serverFolder,
  startProgram,
  TOOLS,
  untilReady,
  type RealServer,
} from './server-program.js';

const run = promisify(execFile);
const BIN = join(TOOLS, 'swift/bin');
const PYTHON = join(BIN, 'python3');

const STORAGE = ['account', 'container', 'object'] as const;

/** What Swift's documentation has in the pipeline of a proxy with s3api, in its order. */
const FILTERS: Readonly<Record<string, readonly string[]>> = {
  catch_errors: [],
  gatekeeper: [],
  healthcheck: [],
  // There is no memcached: every request looks for itself, which is slower and always right.
  memcache: ['memcache_servers = 127.0.0.1:9'],
  listing_formats: [],
  bulk: [],
  s3api: ['location = us-east-1'],
  tempauth: ['user_test_tester = testing .admin'],
  copy: [],
  slo: [],
  dlo: [],
  versioned_writes: ['allow_versioned_writes = true'],
  symlink: [],
};

/** Starts the servers on free loopback ports. */
export async function startSwift(): Promise<RealServer> {
  const { folder, remove } = await serverFolder('swift');
  await mkdir(join(folder, 'disk'));
  await writeFile(join(folder, 'swift.conf'), '[swift-hash]\nswift_hash_path_suffix = optml\n');
  const ports = new Map<string, number>();
  for (const server of STORAGE) {
    const port = await freePort();
    ports.set(server, port);
    await writeFile(join(folder, `${server}.conf`), storageConfig(server, { folder, port }));
  }
  await Promise.all(STORAGE.map(server => makeRing(folder, server, ports.get(server) ?? 0)));
  const port = await freePort();
  await writeFile(join(folder, 'proxy.conf'), proxyConfig({ folder, port }));
  const programs = [...STORAGE, 'proxy'].map(server =>
    startProgram({
      command: PYTHON,
      args: [join(BIN, `swift-${server}-server`), join(folder, `${server}.conf`)],
    }),
  );
  async function stop(): Promise<void> {
    await Promise.all(programs.map(program => program.stop()));
    await remove();
  }
  const url = `http://127.0.0.1:${port}`;
  try {
    for (const [index, server] of [...STORAGE, 'proxy'].entries()) {
      const program = programs[index];
      if (program === undefined) continue;
      // A storage server has no health check of its own; what it does not know it answers, too.
      const health =
        server === 'proxy' ? `${url}/healthcheck` : `http://127.0.0.1:${ports.get(server)}/recon/version`;
      await untilReady(program, health);
    }
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    name: 'Swift',
    version: (await readFile(join(TOOLS, 'swift.module'), 'utf8')).trim(),
    url,
    region: 'us-east-1',
    accessKeyId: 'test:tester',
    secretAccessKey: 'testing',
    folder,
    stop,
  };
}

interface Place {
  readonly folder: string;
  readonly port: number;
}

function common({ folder, port }: Place): string[] {
  return [
    '[DEFAULT]',
    'bind_ip = 127.0.0.1',
    `bind_port = ${port}`,
    // In this very process.
    'workers = 0',
    `user = ${userInfo().username}`,
    `swift_dir = ${folder}`,
    'log_level = ERROR',
    // Nobody listens there: it would write to /dev/log.
    'log_udp_host = 127.0.0.1',
    'log_udp_port = 9',
  ];
}

function storageConfig(server: string, place: Place): string {
  return [
    ...common(place),
    `devices = ${place.folder}`,
    'mount_check = false',
    '[pipeline:main]',
    `pipeline = recon ${server}-server`,
    '[filter:recon]',
    'use = egg:swift#recon',
    `[app:${server}-server]`,
    `use = egg:swift#${server}`,
    '',
  ].join('\n');
}

function proxyConfig(place: Place): string {
  return [
    ...common(place),
    '[pipeline:main]',
    `pipeline = ${Object.keys(FILTERS).join(' ')} proxy-server`,
    '[app:proxy-server]',
    'use = egg:swift#proxy',
    'account_autocreate = true',
    ...Object.entries(FILTERS).flatMap(([name, lines]) => [
      `[filter:${name}]`,
      `use = egg:swift#${name}`,
      ...lines,
    ]),
    '',
  ].join('\n');
}

/** One replica on one disk. */
async function makeRing(folder: string, server: string, port: number): Promise<void> {
  const builder = join(folder, `${server}.builder`);
  const steps = [['create', '4', '1', '1'], ['add', `r1z1-127.0.0.1:${port}/disk`, '1'], ['rebalance']];
  for (const step of steps)
    await run(PYTHON, [join(BIN, 'swift-ring-builder'), builder, ...step], { cwd: folder });
}
