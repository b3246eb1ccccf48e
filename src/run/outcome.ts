/** What a job's end means: the word of its hosts, or of what went wrong in our own hands, in the platform's words. */
import type { OptmlError } from '../errors.js';
import { EXIT_MESSAGE_BYTES, EXIT_MESSAGE_NOT_UTF8, exitMessageOf } from '../report/exit-message.js';
import {
  IMAGE_NOT_PULLED,
  PLATFORM_FAULT,
  reasonOfDownload,
  reasonOfExit,
  reasonOfStart,
} from '../report/failure-reason.js';
import { openOutputs } from './collect-outputs.js';
import type { HostEnd } from './host-ends.js';
import type { JobRun } from './run-job.js';

export type Outcome =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopped' };

/** Interrupted hosts are not the end of their job. */
export type HostsOutcome = Outcome | { readonly kind: 'interrupted' };

export type EndedHost = Extract<HostEnd, { readonly code: number }>;

/** Of hosts that have all ended. `failed` is the first that did so by itself and not well. */
export async function outcomeOf(
  run: JobRun,
  exits: readonly EndedHost[],
  failed: HostEnd | null,
): Promise<Outcome> {
  const unreadable = await sayExitMessage(run, exits);
  if (failed === null)
    return run.control.cause === null ? (unreadable ?? { kind: 'completed' }) : { kind: 'stopped' };
  if ('lost' in failed) return failure(run, failed.lost);
  const { failure: file } = run.plan.messages;
  const start = file === null ? null : await openOutputs(run, failed.host)?.start(file, FAILURE_BYTES);
  const reason = reasonOfExit(failed, start?.toString('utf8') ?? null);
  return reason === null ? { kind: 'completed' } : { kind: 'failed', reason };
}

/** The last word of the containers, whatever their exit status; a text that is none fails the job (contract §2.8). */
async function sayExitMessage(run: JobRun, exits: readonly EndedHost[]): Promise<Outcome | null> {
  const { exit: file } = run.plan.messages;
  if (file === null) return null;
  const starts: Buffer[] = [];
  for (const { host } of exits) {
    const start = await openOutputs(run, host)?.start(file, EXIT_MESSAGE_BYTES);
    if (start !== undefined && start !== null) starts.push(start);
  }
  if (starts.length === 0) return null;
  const text = exitMessageOf(starts);
  if (text === null) return { kind: 'failed', reason: EXIT_MESSAGE_NOT_UTF8 };
  run.reporter.say({ kind: 'job.exit-message', text });
  return null;
}

/** 1,024 characters of at most four bytes. */
const FAILURE_BYTES = 4096;

/** What went wrong in our own hands, in the platform's words; the user gets our words as a note. */
export function failure({ reporter }: JobRun, error: OptmlError): Outcome {
  reporter.say({ kind: 'note', text: error.message });
  return { kind: 'failed', reason: reasonOf(error) };
}

export function reasonOf(error: OptmlError): string {
  switch (error.code) {
    case 'IMAGE_UNAVAILABLE':
      return IMAGE_NOT_PULLED;
    case 'CONTAINER_UNSTARTABLE':
      return reasonOfStart(error.message);
    case 'OBJECT_CHANGED':
    case 'OBJECT_UNPLACEABLE':
    case 'OBJECT_UNREADABLE':
    case 'MANIFEST_INVALID':
    case 'STORE_UNREACHABLE':
    case 'STORE_DENIED':
    case 'BUCKET_MISSING':
    case 'DISK_FULL':
      return reasonOfDownload(error.message);
    default:
      return PLATFORM_FAULT;
  }
}
