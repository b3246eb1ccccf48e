/** How a container ended, from an engine that may be lost, slow, or told by somebody else to remove it. */
import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { OptmlError } from '../../errors.js';
import type { HostExit } from '../port.js';
import { ANSWER_MS, hasStatus, ignoring, isSilence, patiently, refused, within } from './asking.js';

/** How often a silent engine is asked while a container runs that has closed its output. */
const ASK_MS = 2_000;

/** These take a signal, which their types do not know; without it a silent engine would keep this process alive. */
interface Abortable {
  ping(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
}

/** Throws CONTAINER_LOST, ENGINE_UNFIT, and the silence of an engine that is lost. */
export async function containerEnd(
  docker: Docker,
  { container: id, host }: { readonly container: string; readonly host: string },
): Promise<HostExit> {
  const container = docker.getContainer(id);
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([
      patiently(() => container.wait({ condition: 'not-running', abortSignal: signal }), signal),
      untilLost(docker, signal),
    ]);
    const { State } = await patiently(
      () => within(ANSWER_MS, abortSignal => container.inspect({ abortSignal })),
      signal,
    );
    if (isRemoved(State)) throw containerLost(host);
    return { code: State.ExitCode, outOfMemory: State.OOMKilled };
  } catch (thrown) {
    if (hasStatus(thrown, 404)) throw containerLost(host, thrown);
    throw isSilence(thrown) ? thrown : refused(thrown);
  } finally {
    over.abort();
  }
}

/** Gone, or about to be. */
export async function isGone(container: Docker.Container): Promise<boolean> {
  try {
    return isRemoved((await container.inspect()).State);
  } catch (thrown) {
    if (hasStatus(thrown, 404)) return true;
    throw thrown;
  }
}

/**
 * With all that it holds. One that is not there is no error. When somebody else is removing it, its name and its volumes may still
 * be taken for a moment: see `untilLetGo`.
 */
export async function removeContainer(container: Docker.Container, abortSignal?: AbortSignal): Promise<void> {
  try {
    await container.remove({ force: true, v: true, ...(abortSignal === undefined ? {} : { abortSignal }) });
  } catch (thrown) {
    if (!hasStatus(thrown, 404, 409)) throw thrown;
    // Somebody else is at it: until that is done, it has them.
    await ignoring(
      [404],
      container.wait({ condition: 'removed', ...(abortSignal === undefined ? {} : { abortSignal }) }),
    );
  }
}

/** Its files go before itself. */
function isRemoved({ Dead, Status }: Docker.ContainerInspectInfo['State']): boolean {
  return Dead || Status === 'removing';
}

/** `wait` never settles when the engine is killed meanwhile, so the engine is asked now and then. */
async function untilLost(docker: Docker, signal: AbortSignal): Promise<never> {
  const abortable = docker as unknown as Abortable;
  for (;;) {
    await delay(ASK_MS, undefined, { signal });
    await patiently(() => within(ANSWER_MS, abortSignal => abortable.ping({ abortSignal }), signal), signal);
  }
}

export function containerLost(host: string, cause?: unknown): OptmlError {
  return new OptmlError(
    'CONTAINER_LOST',
    `The container of ${host} was removed by somebody else while it ran: run the job again, and end it with "optml stop".`,
    { cause },
  );
}
