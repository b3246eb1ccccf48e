/** A job of any kind, checked. Pure. */
import type { JobKind, JobRequest } from './job-request.js';
import { parseProcessingJob, type ProcessingJob } from './processing-job.js';
import { parseTrainingJob, type TrainingJob } from './training-job.js';

export type Job = TrainingJob | ProcessingJob;

/** A request, and the kind that was told from its members. */
export interface KindedRequest {
  readonly kind: JobKind;
  readonly request: JobRequest;
}

const PARSERS: Record<
  JobKind,
  (request: JobRequest, settings: { readonly region: string; readonly account: string }) => Job
> = { training: parseTrainingJob, processing: parseProcessingJob };

/** Throws what the parser of the kind throws: `REQUEST_INVALID`, `REQUEST_REFUSED`. */
export function parseJob(
  { kind, request }: KindedRequest,
  settings: { readonly region: string; readonly account: string },
): Job {
  return PARSERS[kind](request, settings);
}
