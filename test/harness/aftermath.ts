/** What every test of bad luck looks at when the command has ended. */
import { execFile } from 'node:child_process';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { docker, leftBehind } from './engine.js';
import { optml, type Result, type Start } from './optml.js';

const run = promisify(execFile);

/** The exit status is the given one, and nobody was shown a stack or an apology. */
export function expectStatus(result: Result, status: number): void {
  const all = result.stdout + result.stderr;
  expect(all).not.toMatch(/\n\s+at /);
  expect(all).not.toMatch(/Something went wrong inside optml/);
  expect({ status: result.status, signal: result.signal, all }).toEqual({ status, signal: null, all });
}

/** A refusal: nothing on stdout, one line on stderr. */
export function expectRefusal(result: Result, status: number, ...words: readonly (string | RegExp)[]): void {
  expectStatus(result, status);
  expect(result.stdout).toBe('');
  const lines = result.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^optml: .*[.)]$/);
  for (const word of words) expect(lines[0]).toMatch(word);
}

/** Neither container, network, volume nor working folder, lock, socket or unfinished object of the job. */
export async function expectNothingLeft(home: string, job: string): Promise<void> {
  expect(await leftBehind(job, home)).toBe('');
  const names = await readdir(home, { recursive: true });
  const left = names.filter(
    name =>
      /^run\/./.test(name) ||
      /^s3\/\.optml\/tmp\/./.test(name) ||
      /^jobs\/[^/]+\/\.draft/.test(name) ||
      new RegExp(`^jobs/[^/]+/${job.toLowerCase()}/work`).test(name),
  );
  expect(left).toEqual([]);
}

export interface Described {
  readonly TrainingJobStatus: string;
  readonly SecondaryStatus: string;
  readonly FailureReason?: string;
  readonly ModelArtifacts?: { readonly S3ModelArtifacts: string };
}

export async function describeJob(job: string, options: Start): Promise<Described> {
  const result = await optml(['describe', job, '--json'], options);
  expectStatus(result, 0);
  return JSON.parse(result.stdout) as Described;
}

export interface Cleaned {
  readonly what: string;
  readonly name: string;
  readonly job: string;
  readonly done: string;
}

/** What `clean` says of one job: other tests have things in the engine, too. */
export async function clean(job: string, options: Start, ...flags: readonly string[]): Promise<Cleaned[]> {
  const result = await optml(['clean', '--json', ...flags], options);
  expectStatus(result, 0);
  const report = JSON.parse(result.stdout) as Cleaned[];
  return report.filter(one => one.job === job).map(({ what, name, done }) => ({ what, name, job, done }));
}

/** The text of one file in a tarball. */
export async function textIn(tarball: string, member: string): Promise<string> {
  const { stdout } = await run('tar', ['-xOf', tarball, member]);
  return stdout;
}

/** Path and size of everything in a tarball. */
export async function sizesIn(tarball: string): Promise<Record<string, number>> {
  const { stdout } = await run('tar', ['-tvf', tarball]);
  const lines = stdout.trimEnd().split('\n');
  return Object.fromEntries(
    lines.map(line => [line.split(/\s+/).slice(5).join(' '), Number(line.split(/\s+/)[2])]),
  );
}

/** Here rooms are volumes, and what is kept of them is the engine's tar: root's files would be out of this user's hands. */
export const ROOMS_ARE_VOLUMES = process.getuid?.() !== 0;

/** One file of a kept output, which is a folder, or a tar file where rooms are volumes. */
export async function keptFile(kept: string, name: string): Promise<Buffer> {
  if ((await stat(kept)).isDirectory()) return readFile(join(kept, name));
  const { stdout } = await run('tar', ['-xOf', kept, '--wildcards', `*/${name}`], {
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  });
  return stdout;
}

export async function keptText(kept: string, name: string): Promise<string> {
  return (await keptFile(kept, name)).toString();
}

/** One file below `/opt/ml` of a kept tree. */
export function treeText(tree: string, path: string): Promise<string> {
  if (ROOMS_ARE_VOLUMES) return textIn(join(tree, 'algo-1.tar'), `ml/${path}`);
  return readFile(join(tree, 'algo-1/opt/ml', path), 'utf8');
}

/** The paths that stderr names as those of kept outputs. Each is there. */
export async function keptPaths({ stderr }: Result): Promise<string[]> {
  const paths = [...stderr.matchAll(/it is kept in (.+)$/gm)].map(match => match[1] ?? '');
  expect(paths).not.toEqual([]);
  for (const path of paths) await access(path);
  return paths;
}

export async function containerOf(job: string): Promise<string> {
  return docker('ps', '-aq', '--filter', `label=optml.job=${job}`);
}

/** The embedded store's file of an object. */
export function objectFile(home: string, uri: string): string {
  return join(home, 's3', uri.replace('s3://', ''));
}
