/** boto3 and the AWS CLI, of pinned versions, in Python environments of their own that are made once. */

import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface PythonClients {
  /** `name==version`. */
  readonly packages: readonly string[];
  readonly python: string;
  readonly aws: string;
}

const PINNED = {
  new: ['boto3==1.44.5', 'awscli==1.46.3'],
  // The boto3 of Debian 12, from before checksums became the default.
  old: ['boto3==1.26.27', 'botocore==1.29.27', 'urllib3==1.26.20'],
  // The library that RecordIO comes from.
  mxnet: ['mxnet==1.9.1', 'numpy==1.23.5'],
} as const;
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/clients');
const INSTALL_MS = 10 * 60_000;

/** Throws when there is no python3, or the packages cannot be had: a test that needs them must not pass without. */
export function pythonClients(age: keyof typeof PINNED = 'new'): PythonClients {
  const packages = PINNED[age];
  const folder = join(CACHE, packages.join(' ').replaceAll('==', '-').replaceAll(' ', '-'));
  if (!existsSync(folder)) install(folder, packages);
  return { packages, python: join(folder, 'bin/python3'), aws: join(folder, 'bin/aws') };
}

/** The interpreter of an environment with exactly what a requirements file names. Throws as `pythonClients` does. */
export function pythonWith(requirements: string): string {
  const content = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const folder = join(CACHE, `${basename(requirements, '.txt')}-${content}`);
  if (!existsSync(folder)) install(folder, ['--no-deps', '-r', requirements]);
  return join(folder, 'bin/python3');
}

function install(folder: string, packages: readonly string[]): void {
  // Under the final name only when it is whole; another process may be making it as well.
  mkdirSync(CACHE, { recursive: true });
  const claim = `${folder}.making-${randomUUID()}`;
  try {
    run('python3', ['-m', 'venv', '--copies', claim]);
    run(join(claim, 'bin/python3'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      ...packages,
    ]);
    // Started by the interpreter's name to be, not by the path that pip wrote down.
    const aws = join(claim, 'bin/aws');
    if (existsSync(aws)) run('sed', ['-i', `1s|.*|#!${join(folder, 'bin/python3')}|`, aws]);
    renameSync(claim, folder);
  } catch (thrown) {
    rmSync(claim, { recursive: true, force: true });
    // Who was first has made the same.
    if (!isTaken(thrown)) throw thrown;
  }
}

function isTaken(thrown: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes((thrown as NodeJS.ErrnoException).code ?? '');
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_MS });
}
