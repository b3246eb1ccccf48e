/** Folds a job's events into its state: status, transitions, times (contract §1.12). Pure. */
import type { JobKind } from '../job/job-request.js';
import { KIND_WORDS } from './kind-words.js';
import type {
  BegunUpload,
  JobCreated,
  JobEvent,
  OutputUploaded,
  PlacedHost,
  SecondaryStatus,
  TrainingJobStatus,
} from './events.js';

export interface Transition {
  readonly status: SecondaryStatus;
  readonly start: number;
  /** Absent while it is the open one. */
  readonly end?: number;
  readonly message: string;
}

export interface JobState {
  readonly created: JobCreated;
  readonly status: TrainingJobStatus;
  readonly secondaryStatus: SecondaryStatus;
  readonly transitions: readonly Transition[];
  readonly lastModified: number;
  readonly failureReason?: string;
  readonly exitMessage?: string;
  readonly uploaded: readonly OutputUploaded[];
  /** Hosts that the engine holds, or held. */
  readonly placed: readonly PlacedHost[];
  readonly metrics: readonly { readonly name: string; readonly value: number; readonly time: number }[];
  /** Outputs that are nowhere but in the host itself, which therefore must not be removed. */
  readonly unsaved: readonly { readonly from: string; readonly where: string }[];
  /** Uploads that were begun, of outputs that are not uploaded yet. */
  readonly begun: readonly BegunUpload[];
  readonly kept: readonly { readonly from: string; readonly path: string }[];
}

const ENDS: Partial<Record<SecondaryStatus, TrainingJobStatus>> = {
  Completed: 'Completed',
  Failed: 'Failed',
  Stopped: 'Stopped',
  MaxRuntimeExceeded: 'Stopped',
  MaxWaitTimeExceeded: 'Stopped',
};

/** Undefined when the first event is missing: a journal that a crash cut off before anything was said. */
export function foldEvents(events: Iterable<JobEvent>): JobState | undefined {
  let state: JobState | undefined;
  for (const event of events) {
    if (event.kind === 'job.created') state = startOf(event);
    else if (state !== undefined) state = next(state, event);
  }
  return state;
}

/** The state right after creation. */
export function startOf(created: JobCreated): JobState {
  return {
    created,
    status: 'InProgress',
    secondaryStatus: 'Starting',
    transitions: [
      {
        status: 'Starting',
        start: created.time,
        message: KIND_WORDS[created.jobKind ?? 'training'].starting,
      },
    ],
    lastModified: created.time,
    uploaded: [],
    placed: [],
    metrics: [],
    unsaved: [],
    begun: [],
    kept: [],
  };
}

/** The state after one more event. */
export function next(state: JobState, event: JobEvent): JobState {
  switch (event.kind) {
    case 'job.status':
      return enter(state, event);
    case 'job.failed':
      // First cause wins.
      return { ...state, failureReason: state.failureReason ?? event.reason, lastModified: event.time };
    case 'job.exit-message':
      return { ...state, exitMessage: event.text };
    case 'output.uploaded':
      return { ...state, uploaded: [...state.uploaded, event], begun: [] };
    case 'upload.begun':
      return { ...state, begun: [...state.begun, event.upload] };
    case 'metrics.final':
      return { ...state, metrics: event.values };
    case 'output.unsaved':
      return { ...state, unsaved: [...state.unsaved, { from: event.from, where: event.where }] };
    case 'output.kept':
      return { ...state, kept: [...state.kept, { from: event.from, path: event.path }] };
    case 'outputs.safe':
      return { ...state, unsaved: [] };
    case 'host.placed':
      return { ...state, placed: [...state.placed, event.handle] };
    case 'hosts.removed':
      return { ...state, placed: [] };
    case 'job.created':
    case 'image.ready':
    case 'channel.ready':
    case 'host.exited':
    case 'output.left-out':
    case 'note':
      return state;
  }
}

export function kindOf({ created }: Pick<JobState, 'created'>): JobKind {
  return created.jobKind ?? 'training';
}

export function hasEnded(state: JobState): boolean {
  return ENDS[state.secondaryStatus] !== undefined;
}

/** One transition a status, contiguous; the message is rewritten in place; a terminal one ends as it starts (contract §1.12). */
function enter(state: JobState, event: Extract<JobEvent, { kind: 'job.status' }>): JobState {
  if (hasEnded(state)) return state;
  const { status, message, time } = event;
  const before = state.transitions.slice(0, -1);
  const open = state.transitions.at(-1);
  const terminal = ENDS[status];
  const transitions =
    open === undefined
      ? []
      : open.status === status
        ? [...before, { ...open, message }]
        : [
            ...before,
            { ...open, end: time },
            { status, start: time, message, ...(terminal ? { end: time } : {}) },
          ];
  return {
    ...state,
    transitions,
    secondaryStatus: status,
    status: terminal ?? (state.status === 'Stopping' || status === 'Stopping' ? 'Stopping' : 'InProgress'),
    lastModified: time,
  };
}
