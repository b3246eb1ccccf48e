/** What is uploaded while the hosts run: Continuous outputs and checkpoints. */
import { ContinuousUpload, placeInRoom, type Senders, type SentFiles } from '../data-plane.js';
import type { HostHandle } from '../engine/port.js';
import { asOptmlError } from '../errors.js';
import { roomOf } from './prepare-hosts.js';
import { restoredFiles } from './restored-files.js';
import type { JobRun } from './run-job.js';

export interface SentOutputs {
  /** What of an output of a host was uploaded while it ran; undefined where nobody could watch. */
  readonly files: (host: string, from: string) => SentFiles | undefined;
  /** Of the checkpoints. */
  readonly senders: Senders;
}

export function nothingSent(): SentOutputs {
  return { files: () => undefined, senders: new Map() };
}

export async function startContinuousOutputs(
  run: JobRun,
  placed: readonly HostHandle[],
): Promise<{ stop(): Promise<SentOutputs> }> {
  const { plan, store, control, reporter } = run;
  const uploads = plan.uploads.filter(({ when }) => when === 'continuous');
  // What only the engine can read cannot be watched from here.
  const watched = placed.filter(handle => handle.volumes.length === 0 && process.platform === 'linux');
  if (uploads.length > 0 && watched.length < placed.length)
    reporter.say({
      kind: 'note',
      text: `The folders of this job lie in volumes of the engine, which cannot be watched: ${uploads.map(({ from }) => from).join(', ')} will be uploaded when it has ended${plan.restarts.maxWaitSeconds === null ? '' : ' or is interrupted'}.`,
    });
  const senders: Senders = new Map();
  const underWay = new Set<string>();
  const running: { readonly key: string; readonly continuous: ContinuousUpload }[] = [];
  for (const handle of watched)
    for (const upload of uploads) {
      const held = upload.checkpoints === true ? await restoredFiles(run, handle) : null;
      const continuous = new ContinuousUpload({
        upload,
        ...placeOf(run, handle.host, upload.from),
        ...(held === null ? {} : { checkpoints: { host: handle.host, held, senders, underWay } }),
        store,
        signal: control.killing,
        onBegun: begun => reporter.say({ kind: 'upload.begun', upload: begun }),
        onTrouble: thrown =>
          reporter.say({
            kind: 'note',
            text: `${upload.from} could not be uploaded while the job runs (${asOptmlError(thrown).message}): it is tried again, at the latest when the job has ended.`,
          }),
      });
      running.push({ key: keyOf(handle.host, upload.from), continuous });
    }
  return {
    async stop() {
      const sent = new Map<string, SentFiles>();
      for (const { key, continuous } of running) sent.set(key, await continuous.stop());
      return { files: (host, from) => sent.get(keyOf(host, from)), senders };
    },
  };
}

/** A mount's folder cannot be exchanged by the container; what leads from it to the output can. */
function placeOf(run: JobRun, host: string, from: string): { readonly root: string; readonly base: string } {
  const mounts = run.plan.hosts.find(one => one.name === host)?.mounts ?? [];
  const [mount = from] = mounts
    .map(({ path }) => path)
    .filter(path => from === path || from.startsWith(`${path}/`))
    .sort((a, b) => b.length - a.length);
  return { root: placeInRoom(roomOf(run, host), mount), base: from.slice(mount.length + 1) };
}

/** What several hosts have sent under one path is not known to be the right one's: it is sent again. */
export function sentByAll(each: readonly SentFiles[]): SentFiles {
  const stamps = new Map<string, string>();
  const shared = new Set<string>();
  for (const sent of each)
    for (const [path, stamp] of sent)
      if (stamps.has(path)) shared.add(path);
      else stamps.set(path, stamp);
  for (const path of shared) stamps.delete(path);
  return stamps;
}

function keyOf(host: string, from: string): string {
  return JSON.stringify([host, from]);
}
