/** The outputs that are uploaded while the hosts run. */
import { ContinuousUpload, placeInRoom, type SentFiles } from '../data-plane.js';
import type { HostHandle } from '../engine/port.js';
import { asOptmlError } from '../errors.js';
import { roomOf } from './prepare-hosts.js';
import type { JobRun } from './run-job.js';

/** What of an output of a host was uploaded while it ran. */
export type SentOutputs = (host: string, from: string) => SentFiles;

export const NOTHING_SENT: SentOutputs = () => new Map();

export function startContinuousOutputs(
  run: JobRun,
  placed: readonly HostHandle[],
): { stop(): Promise<SentOutputs> } {
  const { plan, store, control, reporter } = run;
  const uploads = plan.uploads.filter(({ when }) => when === 'continuous');
  // What only the engine can read cannot be watched from here.
  const watched = placed.filter(handle => handle.volumes.length === 0 && process.platform === 'linux');
  if (uploads.length > 0 && watched.length < placed.length)
    reporter.say({
      kind: 'note',
      text: `The folders of this job lie in volumes of the engine, which cannot be watched: ${uploads.map(({ from }) => from).join(', ')} will be uploaded when it has ended.`,
    });
  const running = watched.flatMap(handle =>
    uploads.map(upload => ({
      key: keyOf(handle.host, upload.from),
      continuous: new ContinuousUpload({
        upload,
        root: placeInRoom(roomOf(run, handle.host), upload.from),
        store,
        signal: control.killing,
        onTrouble: thrown =>
          reporter.say({
            kind: 'note',
            text: `${upload.from} could not be uploaded while the job runs (${asOptmlError(thrown).message}): it is tried again, at the latest when the job has ended.`,
          }),
      }),
    })),
  );
  return {
    async stop() {
      const sent = new Map<string, SentFiles>();
      for (const { key, continuous } of running) sent.set(key, await continuous.stop());
      return (host, from) => sent.get(keyOf(host, from)) ?? new Map<string, string>();
    },
  };
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
