/**
 * Containers that go on when the test tells them to. They hear a signal: what `docker exec` runs in a container may be killed with
 * it before the engine has answered, when it is the very thing that makes the container end.
 */
import { docker } from './engine.js';

/** A shell line: from here on it hears. It stands before the line that shows the test that it may tell. */
export const HEARS = `told=0; trap 'told=$((told + 1))' USR1`;

/** A shell command that waits until it has been told so often, all in all. It has no single quotes. */
export function untilTold(times = 1): string {
  return `until [ $told -ge ${times} ]; do sleep 0.05; done`;
}

/** Tells the containers of a running job, all of them or that of one host. */
export async function tell(job: string, host?: string): Promise<void> {
  const labels = [`optml.job=${job}`, ...(host === undefined ? [] : [`optml.host=${host}`])];
  const filters = labels.flatMap(label => ['--filter', `label=${label}`]);
  // The list of those that run comes a little later than their first output.
  const containers = await docker('ps', '-aq', ...filters);
  await docker('kill', '--signal', 'USR1', ...containers.split('\n'));
}
