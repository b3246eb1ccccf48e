/** How the container is started (contract §1.1, AWS page "your-algorithms-training-algo-dockerfile"). Pure. */
import type { TrainingJob } from '../job/training-job.js';

export interface Command {
  /** Null: the image's own ENTRYPOINT holds. */
  readonly entrypoint: readonly string[] | null;
  /** Null: the image's own CMD holds. */
  readonly command: readonly string[] | null;
}

/**
 * `train` is the argument only where neither field is given. An entrypoint alone runs with no argument at all: the engine
 * drops the image's CMD when the entrypoint is replaced, and the empty list says so.
 */
export function commandOf({
  entrypoint,
  arguments: given,
}: Pick<TrainingJob, 'entrypoint' | 'arguments'>): Command {
  if (entrypoint === null) return { entrypoint, command: given ?? ['train'] };
  return { entrypoint, command: given ?? [] };
}
