/**
 * FastFile channels that are read only when they are asked for (`--fastfile lazy`): rclone mounts the prefix through FUSE, and
 * the mount is bound into the container. `AWS_CA_BUNDLE` breaks rclone's S3 backend, so it gets an environment of its own.
 */
import { execFile, spawn } from 'node:child_process';
import { access, constants, open, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { OptmlError } from '../errors.js';
import type { S3Location } from '../job/s3-location.js';
import { makeFolder } from '../make-folder.js';
import type { StoreAccess } from '../store/port.js';

const run = promisify(execFile);

const UNMOUNT = 'fusermount3';

/** Throws REQUEST_REFUSED when this machine cannot, with what it lacks. */
export async function assertCanMount(path: string): Promise<void> {
  const lacks = await firstOf([
    async () =>
      (await can('/dev/fuse')) ? null : 'may not open /dev/fuse: it needs a kernel with FUSE, and root here',
    ...['rclone', UNMOUNT].map(program => async () => {
      const found = await Promise.all(path.split(delimiter).map(folder => canRun(join(folder, program))));
      return found.includes(true)
        ? null
        : `has no ${program}: install ${program === UNMOUNT ? 'fuse3' : program}`;
    }),
    async () =>
      process.getuid?.() === 0 || /^user_allow_other\b/m.test(await textOf('/etc/fuse.conf'))
        ? null
        : 'lets only root share a mount with containers: put user_allow_other into /etc/fuse.conf',
  ]);
  if (lacks !== null)
    throw new OptmlError(
      'REQUEST_REFUSED',
      `--fastfile lazy cannot be had: this machine ${lacks}, or leave the flag out.`,
    );
}

/** Mounts a prefix, read-only, at a folder that it makes. Returns when it can be read. */
export async function mountLazily({
  location: { bucket, key },
  access: store,
  region,
  path,
  folder,
}: {
  readonly location: S3Location;
  readonly access: StoreAccess;
  readonly region: string;
  /** Where programs are looked for. */
  readonly path: string;
  readonly folder: string;
}): Promise<void> {
  await makeFolder(folder);
  const log = `${folder}.log`;
  await using output = await open(log, 'w', 0o600);
  const child = spawn(
    'rclone',
    [
      'mount',
      `optml:${bucket}/${key.replace(/\/+$/, '')}`,
      folder,
      ...FLAGS,
      '--cache-dir',
      `${folder}.cache`,
    ],
    {
      // What mounts lives on in a process of its own, until it is unmounted: it holds no pipe of ours.
      // It is not broken off either: it might mount what nobody would know of.
      stdio: ['ignore', 'ignore', output.fd],
      env: {
        PATH: path,
        HOME: `${folder}.cache`,
        RCLONE_CONFIG_OPTML_TYPE: 's3',
        RCLONE_CONFIG_OPTML_PROVIDER: 'Other',
        RCLONE_CONFIG_OPTML_ENDPOINT: store.url,
        RCLONE_CONFIG_OPTML_REGION: region,
        RCLONE_CONFIG_OPTML_ACCESS_KEY_ID: store.accessKeyId,
        RCLONE_CONFIG_OPTML_SECRET_ACCESS_KEY: store.secretAccessKey,
        RCLONE_CONFIG_OPTML_FORCE_PATH_STYLE: 'true',
        RCLONE_CONFIG_OPTML_LIST_VERSION: '2',
      },
    },
  );
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (status !== 0)
    throw new OptmlError(
      'STORE_UNREACHABLE',
      `rclone could not mount s3://${bucket}/${key} (${(await textOf(log)).trim().split('\n')[0] ?? ''}): leave --fastfile lazy out.`,
    );
}

/** `--daemon` returns when the mount is there. Everybody in the container may read, as in a room. */
const FLAGS = [
  ...['--daemon', '--daemon-wait', '30s', '--read-only', '--allow-other', '--config', '/dev/null'],
  ...['--dir-perms', '0755', '--file-perms', '0644', '--uid', '0', '--gid', '0'],
  // The data of a job stays as it is: one listing a folder, and no HEAD for the time of each file.
  ...['--dir-cache-time', '100h', '--poll-interval', '0', '--use-server-modtime', '--log-level', 'ERROR'],
];

/** Takes every FUSE mount below a folder away, whoever made it: also what a dead process left. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const line of (await textOf('/proc/self/mountinfo')).split('\n')) {
    // https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html: the fifth field is the place, `-` ends the options.
    const [, place = '', kind = ''] = /^(?:\S+ ){4}(\S+) .* - (\S+) /.exec(line) ?? [];
    const path = place.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
    if (!kind.startsWith('fuse.rclone') || !path.startsWith(`${folder}/`)) continue;
    // What is busy goes as soon as nobody reads it any more.
    await run(UNMOUNT, ['-u', path]).catch(() => run(UNMOUNT, ['-uz', path]));
  }
}

async function firstOf(looks: readonly (() => Promise<string | null>)[]): Promise<string | null> {
  for (const look of looks) {
    const found = await look();
    if (found !== null) return found;
  }
  return null;
}

async function can(path: string, mode = constants.R_OK | constants.W_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

function canRun(path: string): Promise<boolean> {
  return can(path, constants.X_OK);
}

/** Empty where there is none. */
async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
