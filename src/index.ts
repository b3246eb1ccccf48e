/** optml as a library. */
export { createEmulator, Emulator, type EmulatorParts, type RunOptions } from './emulator.js';
export type { CleanReport } from './run/clean.js';
export { OptmlError, type ErrorCode } from './errors.js';
export type { JobEvent, LogLine, Progress } from './report/events.js';
export type { DescribeTrainingJobResponse } from './report/describe.js';
export type { DescribeProcessingJobResponse } from './report/describe-processing.js';
export type { JobKind, JobRequest } from './job/job-request.js';
export type { KindedRequest } from './job/job.js';
export type { JobRef } from './journal/find-job.js';
export type { JobState } from './report/job-state.js';
export type { PrintedPlan } from './plan/printed-plan.js';
export { RunControl } from './run/control.js';
export type { Observer } from './run/reporter.js';
export { resolveSettings, type Settings, type SettingFlags } from './settings.js';
export type { TrainingRequest } from './job/training-job.js';
export type { Finding } from './doctor.js';
