/**
 * What each host has got as its checkpoints, written down: at the end, only what is not as it was then goes to the store, also
 * when another process must do the collecting. All hosts get the same files, and an old copy must not go over a newer one.
 */
import { rm, stat, utimes } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stampOfContent, type OutputEntry } from '../collect/output-entry.js';
import { outputsOf, placeInRoom, type SentFiles } from '../data-plane.js';
import type { HostHandle } from '../engine/port.js';
import type { HostPlan, Plan } from '../plan/plan.js';
import { linesOf, writeLines } from '../survey/listing.js';
import { roomOf } from './prepare-hosts.js';
import type { JobRun } from './run-job.js';

/** The engine's archive tells times to the second: what a container writes must not fall into that of the restoring. */
const BEFORE_S = 10;

/** Of a host that is staged and not placed yet. Nothing for a job without checkpoints. */
export async function noteRestored(run: Pick<JobRun, 'files' | 'plan'>, host: HostPlan): Promise<void> {
  const from = checkpointFolder(run.plan);
  if (from === null) return;
  const room = roomOf(run, host.name);
  const time = Math.floor(Date.now() / 1000) - BEFORE_S;
  async function* lines(): AsyncGenerator<readonly unknown[]> {
    for await (const { path, kind } of outputsOf({ host, room, archive: null }).entries(from ?? '')) {
      if (kind !== 'file') continue;
      const file = join(placeInRoom(room, from ?? ''), path);
      await utimes(file, time, time);
      const stats = await stat(file);
      // Whoever gives it another owner or mode, as the placing does, has not changed it.
      yield [path, stampOfContent(stats), coarseStamp({ size: stats.size, mtime: time })];
    }
  }
  const file = noteOf(run, host.name);
  await rm(file, { force: true });
  await writeLines(file, lines());
}

/** Path → stamp, as `stampFor` gives it for the files of this host. */
export async function restoredFiles(run: Pick<JobRun, 'files'>, handle: HostHandle): Promise<SentFiles> {
  const file = noteOf(run, handle.host);
  const found = new Map<string, string>();
  if (!existsSync(file)) return found;
  for await (const line of linesOf(file)) {
    const [path, stamp, coarse] = line as [string, string, string];
    found.set(path, isArchived(handle) ? coarse : stamp);
  }
  return found;
}

export function stampFor(handle: HostHandle): (entry: OutputEntry) => string | undefined {
  return isArchived(handle) ? coarseStamp : entry => entry.stamp;
}

function isArchived({ volumes }: HostHandle): boolean {
  return volumes.length > 0;
}

function coarseStamp({ size, mtime }: Pick<OutputEntry, 'size' | 'mtime'>): string {
  return `${size}:${mtime}`;
}

function checkpointFolder({ uploads }: Plan): string | null {
  return uploads.find(one => one.checkpoints === true)?.from ?? null;
}

function noteOf(run: Pick<JobRun, 'files'>, host: string): string {
  return join(run.files.work, `${host}.restored`);
}
