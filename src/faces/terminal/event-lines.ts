/** A job's event → the lines that a person reads. Pure. */
import type { JobEvent } from '../../report/events.js';
import { hasEnded, type JobState } from '../../report/job-state.js';
import { closingCard } from './closing-card.js';
import { formatBytes, formatCount } from './format.js';

export type Tone = 'plain' | 'dim' | 'red' | 'green' | 'yellow' | 'bold';

export interface Line {
  readonly tone: Tone;
  readonly text: string;
  /** Shown under `--quiet`, too. */
  readonly urgent?: boolean;
}

/** `state`: after the event; undefined for a job that another process began. */
export function linesOf(event: JobEvent, state: JobState | undefined): Line[] {
  switch (event.kind) {
    case 'job.created':
      return [
        { tone: 'bold', text: event.name },
        dim(`  ${event.arn}`),
        ...event.differences.map(({ member, here, why }) => dim(`  differs  ${member}: ${here} (${why})`)),
      ];
    case 'job.status':
      return state !== undefined && hasEnded(state)
        ? card(state)
        : [dim(`${event.status} - ${event.message}`)];
    case 'image.ready':
      return [dim(`  image ${event.how}`)];
    case 'channel.ready':
      return [
        dim(
          `  channel ${event.channel}: ${formatCount(event.objects, 'object')}, ${formatBytes(event.bytes)}`,
        ),
      ];
    case 'output.kept':
      return [
        urgent(`${event.from} could not be uploaded (${event.why}); it is kept in ${event.path}`, 'yellow'),
      ];
    case 'output.unsaved':
      return [
        urgent(
          `${event.from} could neither be uploaded nor kept (${event.why}); it is left in ${event.where}`,
          'red',
        ),
      ];
    case 'output.left-out': {
      const names = event.names.map(name => JSON.stringify(name)).join(', ');
      return [
        {
          tone: 'yellow',
          text: `${event.from}: left out of the upload, as no object can hold them: ${names}`,
        },
      ];
    }
    case 'note':
      return [{ tone: 'yellow', text: event.text }];
    case 'job.failed':
      return [];
    case 'host.exited':
    case 'host.placed':
    case 'hosts.removed':
    case 'metrics.final':
    case 'output.uploaded':
    case 'job.exit-message':
    case 'upload.begun':
    case 'outputs.safe':
      return [];
  }
}

function card(state: JobState): Line[] {
  const [head = '', ...rows] = closingCard(state);
  const tone = state.status === 'Completed' ? 'green' : state.status === 'Failed' ? 'red' : 'yellow';
  return [plain(''), { tone, text: head }, ...rows.map(plain)];
}

function plain(text: string): Line {
  return { tone: 'plain', text };
}

function dim(text: string): Line {
  return { tone: 'dim', text };
}

function urgent(text: string, tone: Tone): Line {
  return { tone, text, urgent: true };
}
