/** Outputs that cannot be uploaded: kept in the home, and named. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { HostOutputs } from '../collect/output-entry.js';
import { keep, outputsOf } from '../data-plane.js';
import type { HostHandle } from '../engine/port.js';
import { asOptmlError, type OptmlError } from '../errors.js';
import type { UploadPlan } from '../plan/uploads.js';
import { roomOf } from './prepare-hosts.js';
import type { JobRun } from './run-job.js';

export type KeepRun = Pick<JobRun, 'plan' | 'engine' | 'reporter' | 'files' | 'keepFolder'>;

/** Keeps every output, with no attempt to upload it; false when one of them must stay where it is. */
export async function keepOutputs(
  run: KeepRun,
  placed: readonly HostHandle[],
  why: string,
): Promise<boolean> {
  let lost: OptmlError | null = null;
  for (const upload of run.plan.uploads)
    for (const handle of placed) lost = (await keepOne(run, { upload, handle, why, lost })) ?? lost;
  return lost === null;
}

/** `--keep` for hosts whose tree only the engine has: it comes into the working folder as a tar file. */
export async function fetchTrees(
  { engine, files }: Pick<KeepRun, 'engine' | 'files'>,
  placed: readonly HostHandle[],
): Promise<void> {
  for (const handle of placed) {
    const tree = (await engine.archive(handle)?.('/opt/ml')) ?? null;
    if (tree !== null) await pipeline(tree, createWriteStream(join(files.work, `${handle.host}.tar`)));
  }
}

/** What an ended host left. */
export function outputsFor(run: KeepRun, handle: HostHandle): HostOutputs {
  const host = run.plan.hosts.find(one => one.name === handle.host);
  if (host === undefined) throw new TypeError(`the plan has no host ${handle.host}`);
  return outputsOf({ host, room: roomOf(run, handle.host), archive: run.engine.archive(handle) });
}

/** Null when it is kept. `lost` is why another one could not be: an engine that is gone is not asked for each. */
export async function keepOne(
  run: KeepRun,
  {
    upload,
    handle,
    why,
    lost,
  }: { upload: UploadPlan; handle: HostHandle; why: string; lost: OptmlError | null },
): Promise<OptmlError | null> {
  const { reporter, files } = run;
  const keepFolder = run.plan.hosts.length > 1 ? join(run.keepFolder, handle.host) : run.keepFolder;
  const archive = run.engine.archive(handle);
  try {
    if (archive !== null && lost?.code === 'ENGINE_UNREACHABLE') throw lost;
    const path = await keep({
      outputs: outputsFor(run, handle),
      source:
        archive === null
          ? { kind: 'room', room: roomOf({ files }, handle.host) }
          : { kind: 'engine', archive },
      from: upload.from,
      folder: keepFolder,
    });
    if (path !== null) reporter.say({ kind: 'output.kept', from: upload.from, path, why });
    return null;
  } catch (thrown) {
    const error = asOptmlError(thrown);
    const where =
      handle.volumes.length === 0
        ? roomOf({ files }, handle.host)
        : `the volumes of container ${handle.container.slice(0, 12)}`;
    reporter.say({ kind: 'output.unsaved', from: upload.from, where, why: `${why}; then ${error.message}` });
    return error;
  }
}
