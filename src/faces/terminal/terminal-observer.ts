/** A job for the eyes of a person, on stderr: log lines with their host before them, one live line a transfer, the card. */
import type { JobEvent, Progress, TransferProgress } from '../../report/events.js';
import { hasEnded, next, startOf, type JobState } from '../../report/job-state.js';
import type { Observer } from '../../run/reporter.js';
import { linesOf, type Tone } from './event-lines.js';
import { formatBytes, formatDuration, safeLine, safeText } from './format.js';
import { liveLine } from './live-line.js';

export interface TerminalOptions {
  readonly stream: NodeJS.WriteStream;
  /** Only errors, and where outputs are that could not be uploaded. */
  readonly quiet: boolean;
  readonly colors: boolean;
}

export interface TerminalObserver extends Observer {
  readonly say: (text: string) => void;
  readonly error: (text: string) => void;
  /** Takes the live line away. */
  readonly finish: () => void;
}

const CODES: Record<Tone, string> = { plain: '0', dim: '2', red: '31', green: '32', yellow: '33', bold: '1' };

export function terminalObserver({ stream, quiet, colors }: TerminalOptions): TerminalObserver {
  const line = liveLine(stream);
  const paint = (tone: Tone, text: string): string =>
    colors && tone !== 'plain' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text;
  const started = new Map<string, number>();
  let state: JobState | undefined;

  const onEvent = (event: JobEvent): void => {
    if (event.kind === 'job.created') state = startOf(event);
    else if (state !== undefined) state = next(state, event);
    line.clear();
    for (const { tone, text, urgent = false } of linesOf(event, state))
      if (!quiet || urgent) line.print(paint(tone, safeText(text)));
    // What comes next is of another job.
    if (state !== undefined && hasEnded(state)) state = undefined;
  };

  const onProgress = (progress: Progress): void => {
    if (quiet) return;
    if (progress.kind === 'log')
      line.print(`${paint('dim', `${progress.host} |`)} ${safeLine(progress.message, colors)}`);
    else if (progress.kind === 'image.progress') line.show(imageText(progress));
    else if (!progress.finished) line.show(transferText(progress, started));
  };

  return {
    event: onEvent,
    progress: onProgress,
    say: text => {
      if (!quiet) line.print(safeText(text));
    },
    error: text => line.print(`${paint('red', 'optml:')} ${safeText(text)}`),
    finish: line.clear,
  };
}

function imageText({ text, done, total }: Extract<Progress, { kind: 'image.progress' }>): string {
  return total === 0 ? `  image: ${text}` : `  image: ${text} ${formatBytes(done)} of ${formatBytes(total)}`;
}

/** Bytes, objects, rate, time left. */
function transferText(progress: TransferProgress, started: Map<string, number>): string {
  const { direction, what, bytes, objects, totalBytes, totalObjects } = progress;
  const key = `${direction} ${what}`;
  const now = performance.now();
  const begin = started.get(key) ?? now;
  started.set(key, begin);
  const rate = bytes / Math.max(0.001, (now - begin) / 1000);
  const size =
    totalBytes === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
  const count = totalObjects === null ? `${objects} objects` : `${objects} of ${totalObjects} objects`;
  const left =
    totalBytes === null || rate === 0
      ? ''
      : ` · ${formatDuration(((totalBytes - bytes) / rate) * 1000)} left`;
  return `  ${direction} ${what}: ${size} · ${count} · ${formatBytes(rate)}/s${left}`;
}
