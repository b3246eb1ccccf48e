/** Reads the logs that a job's owner writes, also while it writes them. */
import { watch } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import type { LogLine } from '../report/events.js';

/** A change that no event told of is seen after this long. */
const LOOK_MS = 500;

/**
 * The lines of all hosts, of what is read at once the oldest first. With `follow`, goes on until `ended` says so, and then
 * reads once more.
 */
export async function* readLogs(
  folder: string,
  { follow, ended }: { readonly follow: boolean; readonly ended: () => Promise<boolean> },
): AsyncGenerator<LogLine> {
  const positions = new Map<string, number>();
  for (;;) {
    const last = !follow || (await ended());
    for (;;) {
      const lines = await readMore(folder, positions);
      yield* lines.sort((a, b) => a.time - b.time);
      if (lines.length === 0) break;
    }
    if (last) return;
    await nextChange(folder);
  }
}

/** When something in the folder changes, or after a while. */
export async function nextChange(folder: string): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(finish, LOOK_MS);
    const watcher = watch(folder, finish);
    watcher.on('error', finish);
    function finish(): void {
      clearTimeout(timer);
      watcher.close();
      resolve();
    }
  });
}

const READ_BYTES = 4 * 1024 * 1024;

/** The next whole lines of every host's file. */
async function readMore(folder: string, positions: Map<string, number>): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (const name of await filesIn(folder)) {
    const host = name.slice(0, -'.ndjson'.length);
    await using file = await open(join(folder, name));
    const position = positions.get(name) ?? 0;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, position);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
    positions.set(name, position + end);
    for (const text of buffer.toString('utf8', 0, end).split('\n').slice(0, -1)) {
      const [time, message] = JSON.parse(text) as [number, string];
      lines.push({ host, time, message });
    }
  }
  return lines;
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return [];
    throw thrown;
  });
  return names.filter(name => name.endsWith('.ndjson')).sort();
}
