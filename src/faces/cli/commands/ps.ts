/** `optml ps`: the jobs of this home, newest first. */
import type { SettingFlags } from '../../../settings.js';
import { formatDuration } from '../../terminal/format.js';
import { openEmulator, type OutputFlags, type ProcessFacts } from '../context.js';
import { JOB_KINDS } from '../../../job/job-request.js';
import { hasEnded, kindOf } from '../../../report/job-state.js';

export type ListFlags = SettingFlags & OutputFlags & { readonly kind?: string };

export async function ps(facts: ProcessFacts, flags: ListFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const kinds = JOB_KINDS.filter(kind => flags.kind === undefined || flags.kind === kind);
  const states = await emulator.listJobs(kinds);
  const jobs = states.map(state => ({
    kind: kindOf(state),
    name: state.created.name,
    status: state.status,
    secondaryStatus: state.secondaryStatus,
    created: state.created.time / 1000,
    ended: hasEnded(state) ? (state.transitions.at(-1)?.start ?? state.lastModified) / 1000 : null,
  }));
  if (flags.json === true) process.stdout.write(`${JSON.stringify(jobs)}\n`);
  else
    for (const line of table(jobs.map(job => [job.name, job.kind, job.secondaryStatus, since(job)])))
      process.stdout.write(`${line}\n`);
}

function since({ created, ended }: { created: number; ended: number | null }): string {
  const ago = formatDuration(Date.now() - created * 1000);
  return ended === null
    ? `started ${ago} ago`
    : `started ${ago} ago, took ${formatDuration((ended - created) * 1000)}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const all = [['NAME', 'KIND', 'STATUS', 'WHEN'], ...rows];
  const widths = [0, 1, 2].map(column => Math.max(...all.map(row => row[column]?.length ?? 0)));
  return all.map(row =>
    row.map((cell, column) => (column < 3 ? cell.padEnd((widths[column] ?? 0) + 2) : cell)).join(''),
  );
}
