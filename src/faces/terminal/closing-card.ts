/** What a person wants to know when a job has ended. Pure. */
import type { JobState } from '../../report/job-state.js';
import { formatBytes, formatCount, formatDuration } from './format.js';

export function closingCard(state: JobState): string[] {
  const { created, transitions } = state;
  const end = transitions.at(-1)?.start ?? created.time;
  const rows: [string, string][] = [
    ...(state.failureReason === undefined
      ? []
      : [['reason', oneLine(state.failureReason)] as [string, string]]),
    ...(state.exitMessage === undefined ? [] : [['message', oneLine(state.exitMessage)] as [string, string]]),
    ...uploads(state),
    ...state.kept.map(({ from, path }): [string, string] => [
      'kept',
      `${path}  (${from} could not be uploaded)`,
    ]),
    ...state.unsaved.map(({ from, where }): [string, string] => ['left', `${from} in ${where}`]),
    ...state.metrics.map(({ name, value }): [string, string] => [
      'metric',
      `${name}  ${Number(value.toPrecision(6))}`,
    ]),
    ['time', phases(state)],
    ['more', `optml describe ${created.name} · optml logs ${created.name}`],
  ];
  const head = `${state.secondaryStatus}  ${created.name}  in ${formatDuration(end - created.time)}`;
  return [head, ...rows.map(([name, text]) => `  ${name.padEnd(8)}${text}`)];
}

function uploads(state: JobState): [string, string][] {
  return state.uploaded.map(({ from, to, bytes, objects, file }) => {
    const name = from === '/opt/ml/model' ? 'model' : 'output';
    const size = to.endsWith('.tar.gz')
      ? formatBytes(bytes)
      : `${formatCount(objects, 'object')}, ${formatBytes(bytes)}`;
    return [name, `${file ?? to}  (${size})`];
  });
}

/** How long each status lasted, but for the last, which has no length. */
function phases({ transitions }: JobState): string {
  const lasting = transitions.flatMap(one => (one.end === undefined || one.end === one.start ? [] : [one]));
  const text = lasting.map(
    one => `${one.status.toLowerCase()} ${formatDuration((one.end ?? one.start) - one.start)}`,
  );
  return text.length === 0 ? 'none' : text.join(' · ');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
