/** A job's events for the eyes of a person, on stderr: log lines with their host before them, one live line a transfer, the card. */
import type { JobEvent, Progress, TransferProgress } from '../../report/events.js';
import { hasEnded, next, startOf, type JobState } from '../../report/job-state.js';
import type { Observer } from '../../run/reporter.js';
import { closingCard } from './closing-card.js';
import { formatBytes, formatCount, formatDuration, safeLine } from './format.js';
import { liveLine } from './live-line.js';

export interface TerminalOptions {
  readonly stream: NodeJS.WriteStream;
  /** Only errors. */
  readonly quiet: boolean;
  readonly colors: boolean;
  /** Where the embedded store keeps its files; null for other stores. */
  readonly s3Folder: string | null;
}

export interface TerminalObserver extends Observer {
  say(text: string): void;
  error(text: string): void;
  /** Takes the live line away. */
  finish(): void;
}

type Color = 'dim' | 'red' | 'green' | 'yellow' | 'bold';

const CODES: Record<Color, string> = { dim: '2', red: '31', green: '32', yellow: '33', bold: '1' };

export function terminalObserver({ stream, quiet, colors, s3Folder }: TerminalOptions): TerminalObserver {
  const line = liveLine(stream);
  const paint = (color: Color, text: string): string =>
    colors ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text;
  const print = (text: string): void => {
    if (!quiet) line.print(text);
  };
  let state: JobState | undefined;
  const started = new Map<string, number>();

  const onEvent = (event: JobEvent): void => {
    state =
      event.kind === 'job.created' ? startOf(event) : state === undefined ? undefined : next(state, event);
    switch (event.kind) {
      case 'job.created':
        print(`${paint('bold', event.name)}  ${paint('dim', event.arn)}`);
        for (const { member, here, why } of event.differences)
          print(paint('dim', `  differs  ${member}: ${here} (${why})`));
        break;
      case 'job.status':
        line.clear();
        if (state === undefined || !hasEnded(state))
          print(paint('dim', `${event.status} - ${event.message}`));
        else for (const text of card(state)) print(text);
        break;
      case 'image.ready':
        line.clear();
        print(paint('dim', `  image ${event.how}`));
        break;
      case 'channel.ready':
        line.clear();
        print(
          paint(
            'dim',
            `  channel ${event.channel}: ${formatCount(event.objects, 'object')}, ${formatBytes(event.bytes)}`,
          ),
        );
        break;
      case 'output.kept':
        print(
          paint('yellow', `${event.from} could not be uploaded (${event.why}); it is kept in ${event.path}`),
        );
        break;
      case 'output.unsaved':
        print(
          paint(
            'red',
            `${event.from} could neither be uploaded nor kept (${event.why}); it is left in ${event.where}`,
          ),
        );
        break;
      case 'output.left-out':
        print(
          paint(
            'yellow',
            `${event.from}: left out of the upload, as no object can hold them: ${event.names.map(name => JSON.stringify(name)).join(', ')}`,
          ),
        );
        break;
      case 'note':
        print(paint('yellow', event.text));
        break;
      case 'job.failed':
      case 'host.exited':
      case 'host.placed':
      case 'metrics.final':
      case 'output.uploaded':
        break;
    }
  };

  const card = (ended: JobState): string[] => {
    const [head = '', ...rows] = closingCard(ended, s3Folder);
    const color = ended.status === 'Completed' ? 'green' : ended.status === 'Failed' ? 'red' : 'yellow';
    return ['', paint(color, head), ...rows];
  };

  const onProgress = (progress: Progress): void => {
    switch (progress.kind) {
      case 'log':
        print(`${paint('dim', `${progress.host} |`)} ${safeLine(progress.message, colors)}`);
        break;
      case 'image.progress':
        if (!quiet) line.show(imageText(progress));
        break;
      case 'transfer':
        if (!quiet && !progress.finished) line.show(transferText(progress, started));
    }
  };

  return {
    event: onEvent,
    progress: onProgress,
    say: print,
    error: text => line.print(`${paint('red', 'optml:')} ${text}`),
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
  const left =
    totalBytes === null || rate === 0
      ? ''
      : ` · ${formatDuration(((totalBytes - bytes) / rate) * 1000)} left`;
  const of = (total: string | null): string => (total === null ? '' : ` of ${total}`);
  return (
    `  ${direction} ${what}: ${formatBytes(bytes)}${of(totalBytes === null ? null : formatBytes(totalBytes))}` +
    ` · ${objects}${of(totalObjects === null ? null : String(totalObjects))} objects · ${formatBytes(rate)}/s${left}`
  );
}
