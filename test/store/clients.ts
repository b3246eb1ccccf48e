/** boto3 and the AWS CLI, of pinned versions, in Python environments of their own that are made once. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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
  // Under the final name only when it is whole; scripts in it name their own place, so it is made there.
  mkdirSync(CACHE, { recursive: true });
  const claim = `${folder}.making`;
  rmSync(claim, { recursive: true, force: true });
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
    renameSync(claim, folder);
    // Started by name of the interpreter, not by the path that pip wrote down.
    const aws = join(folder, 'bin/aws');
    if (existsSync(aws)) run('sed', ['-i', `1s|.*|#!${join(folder, 'bin/python3')}|`, aws]);
  } catch (thrown) {
    rmSync(claim, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  }
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_MS });
}
