/**
 * Containers that run out of memory. Docker 20.10 says so of their end only if it has heard it before the end, and of a PID 1 that
 * the kernel ends for it both come at once: so a child is ended, and PID 1 goes when the engine knows.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterThis } from './optml.js';
import { untilTold } from './tell.js';

/** A shell line, after `HEARS`: a child runs out of memory, and when it has been told so often the shell ends as the child did. */
export function runsOutOfMemory(times = 1): string {
  return `head -c 200000000 /dev/zero | tail > /dev/null; code=$?; ${untilTold(times)}; exit $code`;
}

/** Resolves when the engine knows that the container has run out of memory, within the last minute or from now on. */
export async function outOfMemory(container: string): Promise<void> {
  const filters = [`container=${container}`, 'event=oom'].flatMap(filter => ['--filter', filter]);
  const events = spawn('docker', ['events', '--since', '1m', ...filters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(events, 'close');
  afterThis(async () => {
    events.kill();
    await closed;
  });
  const ended = closed.then(() => {
    throw new Error('docker events has ended');
  });
  await Promise.race([once(events.stdout, 'data'), ended]);
}
