/** Jobs whose channels are in Pipe mode, and the process that feeds them. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { scratch } from './optml.js';
import { putObject, shell, shellJob, type Request } from './requests.js';

const run = promisify(execFile);

/** The lines run in the folder of the FIFOs. */
export function pipeJob(
  lines: readonly string[],
  channels: readonly Request[],
  members: Request = {},
): Request {
  return shellJob('true', {
    ...shell(['cd /opt/ml/input/data', ...lines], { TrainingInputMode: 'Pipe' }),
    InputDataConfig: channels,
    ...members,
  });
}

/** The same with another image. */
export function inImage(request: Request, image: string): Request {
  const specification = request['AlgorithmSpecification'] as Request;
  return { ...request, AlgorithmSpecification: { ...specification, TrainingImage: image } };
}

/** A home whose embedded store has these objects. */
export async function homeWith(objects: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const home = await scratch('home');
  for (const [uri, content] of Object.entries(objects)) await putObject(home, uri, content);
  return home;
}

/** Waits until the FIFO of an epoch is there. */
export function untilFifo(channel: string, epoch: number | string): string {
  return `until [ -p ${channel}_${epoch} ]; do sleep 0.01; done`;
}

/** The process that feeds the channels of a running job. */
export async function feederOf(job: { readonly pid: number }): Promise<number> {
  const { stdout } = await run('pgrep', ['-P', String(job.pid), '-f', 'feeder-main']);
  return Number(stdout);
}

/** When a process that is no child of this one has ended; a hang is the test's own limit's. */
export async function untilGone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await delay(10);
}
