/** The command in the hands of an ordinary user of the docker group, whatever user runs the tests. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { scratch, type Start } from './optml.js';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '../..');
const SOCKET = '/var/run/docker.sock';
const STRANGER = 23_456;

/** For root: a user that it becomes, who sees the checkout at a place that everybody can reach. */
export async function asOrdinaryUser(
  home: string,
): Promise<Start & { readonly command: readonly [string, ...string[]] }> {
  if (process.getuid?.() !== 0)
    return { home, command: [process.execPath, join(ROOT, 'dist/faces/cli/main.js')] };
  await run('chown', ['-R', `${STRANGER}:${STRANGER}`, home]);
  const temporary = await scratch('tmp');
  await chown(temporary, STRANGER, STRANGER);
  const become = `setpriv --reuid=${STRANGER} --regid=${STRANGER} --groups=${statSync(SOCKET).gid}`;
  return {
    home,
    env: { OPTML_HOME: join('/mnt', relative(ROOT, home)), TMPDIR: join('/mnt', relative(ROOT, temporary)) },
    command: [
      ...(['unshare', '--mount', 'sh', '-c'] as const),
      `mount --bind "$0" /mnt && exec ${become} "$@"`,
      ...[ROOT, process.execPath, '/mnt/dist/faces/cli/main.js'],
    ],
  };
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
