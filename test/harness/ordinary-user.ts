/** The command in the hands of an ordinary user of the docker group, whatever user runs the tests. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { afterThis, scratch, type Start } from './optml.js';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '../..');
const SOCKET = '/var/run/docker.sock';
const STRANGER = 23_456;

type AsUser = Start & { readonly command: readonly [string, ...string[]] };

/** For root: a user that it becomes, who sees the checkout at a place that everybody can reach. */
export async function asOrdinaryUser(home: string): Promise<AsUser> {
  if (process.getuid?.() !== 0)
    return { home, command: [process.execPath, join(ROOT, 'dist/faces/cli/main.js')] };
  await run('chown', ['-R', `${STRANGER}:${STRANGER}`, home]);
  const temporary = await scratch('tmp');
  await chown(temporary, STRANGER, STRANGER);
  return {
    home,
    env: { OPTML_HOME: join('/mnt', relative(ROOT, home)), TMPDIR: join('/mnt', relative(ROOT, temporary)) },
    command: becoming(['unshare', '--mount'], []),
  };
}

/** The same with a home of `openHome`. `first` is done by root, in mounts that only this user sees. */
export async function asOrdinaryUserIn(home: string, first: readonly string[] = []): Promise<AsUser> {
  const { env, command } = await asOrdinaryUser(home);
  if (process.getuid?.() !== 0) return { home, command };
  // A home that is a shared mount stays one: what the user mounts below it, others see.
  const unshare = ['unshare', '--mount', '--propagation', 'unchanged'] as const;
  // A mount under another one cannot be named, and is in nobody's way.
  const others = `{ cut -d ' ' -f 5 /proc/self/mountinfo | grep -v '^${home}' | xargs -n 1 mount --make-private 2> /dev/null; true; }`;
  return { home, env: { ...env, OPTML_HOME: home }, command: becoming(unshare, [others, ...first]) };
}

function becoming(
  unshare: readonly [string, ...string[]],
  first: readonly string[],
): readonly [string, ...string[]] {
  const become = `setpriv --reuid=${STRANGER} --regid=${STRANGER} --groups=${statSync(SOCKET).gid}`;
  const lines = [...first, 'mount --bind "$0" /mnt', `exec ${become} "$@"`];
  return [
    ...unshare,
    ...['sh', '-c', lines.join(' && '), ROOT],
    ...[process.execPath, '/mnt/dist/faces/cli/main.js'],
  ];
}

/** A folder that the engine and every user find at the same place, as a checkout may not be. It goes with the test. */
export async function openHome(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'optml-home-'));
  afterThis(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  await chmod(folder, 0o755);
  return folder;
}

/** Nothing in the home is another's, so there is nothing that its user cannot delete; but for requests that the test put there. */
export async function expectOwned(home: string): Promise<void> {
  const { stdout } = await run('find', [
    ...[home, '-path', `${home}/*.json`, '-not', '-path', `${home}/*/*`],
    ...['-o', '!', '-uid', ordinaryUserId(), '-print'],
  ]);
  expect(stdout).toBe('');
}

export function ordinaryUserId(): string {
  const own = process.getuid?.() ?? 0;
  return String(own === 0 ? STRANGER : own);
}
