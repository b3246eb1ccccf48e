/** Where events of a running job go: to the journal first, then to whoever watches; and the state that they make. */
import type { Journal } from '../journal/journal.js';
import { escapeControls, lineSplitter } from '../journal/log-lines.js';
import type { JobCreated, JobEvent, Progress } from '../report/events.js';
import { next, startOf, type JobState } from '../report/job-state.js';

/** Whoever watches a job. Must not throw. */
export interface Observer {
  event(event: JobEvent): void;
  progress(progress: Progress): void;
}

type Untimed<Event> = Event extends unknown ? Omit<Event, 'time'> : never;

export interface HostOutput {
  readonly push: (source: 'stdout' | 'stderr', chunk: Buffer) => void;
  readonly end: () => void;
}

export interface Reporter {
  readonly state: JobState;
  /** Log lines for which the disk had no room. */
  readonly lostLines: number;
  /** Journals the event with the present time. */
  say(event: Untimed<Exclude<JobEvent, JobCreated>>): void;
  progress(progress: Progress): void;
  /** Takes a host's output, chunk by chunk; `end` hands over what had no newline. `onLines` hears of what the log got. */
  output(host: string, onLines?: (lines: readonly string[], time: number) => void): HostOutput;
}

export function startReport({
  created,
  journal,
  observer,
  now,
}: {
  readonly created: JobCreated;
  readonly journal: Journal;
  readonly observer: Observer;
  readonly now: () => number;
}): Reporter {
  journal.append(created);
  observer.event(created);
  return continueReport({ state: startOf(created), journal, observer, now });
}

/** For a job that another process began. */
export function continueReport({
  state: before,
  journal,
  observer,
  now,
}: {
  readonly state: JobState;
  readonly journal: Journal;
  readonly observer: Observer;
  readonly now: () => number;
}): Reporter {
  let state = before;
  return {
    get state() {
      return state;
    },
    get lostLines() {
      return journal.lostLines;
    },
    say(untimed) {
      const event = { ...untimed, time: now() } as JobEvent;
      journal.append(event);
      state = next(state, event);
      observer.event(event);
    },
    progress: progress => observer.progress(progress),
    output(host, onLines) {
      const splitters = { stdout: lineSplitter(), stderr: lineSplitter() };
      const hand = (raw: readonly string[]): void => {
        const time = now();
        const escaped = raw.map(escapeControls);
        journal.log(escaped.map(message => ({ host, time, message })));
        onLines?.(escaped, time);
        for (const line of raw) observer.progress({ kind: 'log', host, time, message: line });
      };
      return {
        push: (source, chunk) => hand(splitters[source].push(chunk)),
        end: () => hand([...splitters.stdout.end(), ...splitters.stderr.end()]),
      };
    },
  };
}
