/** Runs one job as a user does, and sees that nothing of it is left when it has ended. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { leftBehind } from './engine.js';
import { scratch, start, type Result, type Running } from './optml.js';
import { nameOf, writeRequest, type Request } from './requests.js';

/** What tests read of a Describe response. */
export interface Described {
  readonly TrainingJobName: string;
  readonly TrainingJobStatus: string;
  readonly SecondaryStatus: string;
  readonly FailureReason?: string;
  readonly ModelArtifacts?: { readonly S3ModelArtifacts: string };
  readonly FinalMetricDataList?: readonly {
    readonly MetricName: string;
    readonly Value: number;
    readonly Timestamp: number;
  }[];
  readonly SecondaryStatusTransitions: readonly {
    readonly Status: string;
    readonly StartTime: number;
    readonly EndTime?: number;
    readonly StatusMessage: string;
  }[];
  readonly [member: string]: unknown;
}

export interface EndedJob extends Result {
  readonly home: string;
  readonly described: Described;
  /** What the container printed, as the terminal shows it. */
  readonly log: readonly string[];
  /** The same of one host of a cluster. */
  readonly logOf: (host: string) => readonly string[];
  /** The file that an output of the job is in the embedded store: `output('model.tar.gz')`. */
  readonly output: (path: string) => string;
}

export interface StartedJob extends Running {
  readonly home: string;
  readonly name: string;
  /** The end, with the checks that every job must pass. */
  readonly finish: () => Promise<EndedJob>;
}

export interface JobOptions {
  /** A new one by default. */
  readonly home?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What takes the arguments, where it is not the built command itself. */
  readonly command?: readonly [string, ...string[]];
}

export async function runJob(request: Request, options: JobOptions = {}): Promise<EndedJob> {
  return (await startJob(request, options)).finish();
}

export async function startJob(
  request: Request,
  { home: given, args = [], env = {}, command }: JobOptions = {},
): Promise<StartedJob> {
  const home = given ?? (await scratch('home'));
  const temporary = await scratch('tmp');
  const name = nameOf(request);
  const file = basename(await writeRequest(home, request));
  const running = start(['run', file, '--json', ...args], {
    home,
    env: { TMPDIR: temporary, ...env },
    ...(command === undefined ? {} : { command }),
  });
  const finish = async (): Promise<EndedJob> => {
    const result = await running.ended;
    if (result.stdout === '')
      throw new Error(`${name} was refused (exit status ${result.status}):\n${result.stderr}`);
    await seesNothingLeft(home, name);
    expect(await readdir(temporary)).toEqual([]);
    return {
      ...result,
      home,
      described: JSON.parse(result.stdout) as Described,
      log: containerLines(result.stderr, 'algo-1'),
      logOf: host => containerLines(result.stderr, host),
      output: path => join(home, 's3/outputs/here', name, 'output', path),
    };
  };
  return { ...running, home, name, finish };
}

/** A request that is refused: exit status 2, nothing on stdout, no job. Gives what stderr says. */
export async function refusedJob(request: Request, options: JobOptions = {}): Promise<string> {
  const job = await startJob(request, options);
  const { status, stdout, stderr } = await job.ended;
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).not.toMatch(STACK_TRACE);
  await seesNothingLeft(job.home, job.name);
  return stderr;
}

/** Where an error of ours would show a stack. */
export const STACK_TRACE = /\n\s+at /;

export async function seesNothingLeft(home: string, ...jobs: readonly string[]): Promise<void> {
  for (const job of jobs) expect(await leftBehind(job, home)).toBe('');
  expect(await leftInHome(home)).toEqual([]);
}

/** What a home holds only while a job runs: rooms, drafts, locks, sockets, unfinished objects. */
export async function leftInHome(home: string): Promise<string[]> {
  const jobs = await Promise.all(
    ['training', 'processing'].map(async kind =>
      (await namesIn(join(home, 'jobs', kind))).map(name => `${kind}/${name}`),
    ),
  );
  return [
    ...jobs.flat().filter(path => path.includes('/.')),
    ...jobs
      .flat()
      .filter(path => existsSync(join(home, 'jobs', path, 'work')))
      .map(path => `${path}/work`),
    ...(await namesIn(join(home, 'run'))),
    ...(await namesIn(join(home, 's3/.optml/tmp'))),
  ];
}

/** Names in a folder; none when it is missing. */
export async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? (await readdir(folder)).sort() : [];
}

function containerLines(stderr: string, host: string): string[] {
  const mark = `${host} | `;
  return stderr.split('\n').flatMap(line => (line.startsWith(mark) ? [line.slice(mark.length)] : []));
}
