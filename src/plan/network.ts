/** The network of a job's hosts (contract §1.16). Pure. */
import type { Job } from '../job/job.js';

export interface NetworkPlan {
  /**
   * `default`: the engine's own. `none`: no network at all. `peers`: one of the job's own, with a way out. `peers-only`: one
   * of the job's own that leads nowhere else, nor to the machine of the engine.
   */
  readonly kind: 'default' | 'none' | 'peers' | 'peers-only';
  /** Names that every host finds for the job's whole life, also of hosts that have ended. */
  readonly hosts: readonly string[];
}

/** A network takes time to make and an engine has only some thirty: one host does without. */
export function networkOf({ networkIsolation }: Job, hosts: readonly string[]): NetworkPlan {
  const alone = networkIsolation ? 'none' : 'default';
  const together = networkIsolation ? 'peers-only' : 'peers';
  return { kind: hosts.length > 1 ? together : alone, hosts };
}
