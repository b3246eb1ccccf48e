/** The hosts of a job, and which of them a channel goes to. Pure. */
import type { Channel } from '../job/channel.js';
import type { InstanceGroup } from '../job/training-job.js';
import type { Share } from './objects.js';

export interface Host {
  /** `algo-1` … */
  readonly name: string;
  /** Its instance group; `homogeneousCluster` where the request has none. */
  readonly group: string;
  readonly instanceType: string;
}

/** Numbered through the groups in their order (contract §1.3). */
export function hostsOf({ instanceGroups }: { readonly instanceGroups: readonly InstanceGroup[] }): Host[] {
  return instanceGroups
    .flatMap(({ name, instanceType, instanceCount }) =>
      Array.from({ length: instanceCount }, () => ({ group: name, instanceType })),
    )
    .map((host, index) => ({ name: `algo-${index + 1}`, ...host }));
}

/**
 * What of a channel goes to this host; null when nothing does, because the channel names other groups. With groups, the
 * shards are as many as the hosts that receive the channel (UNCONFIRMED, contract §1.5).
 */
export function shareOf(channel: Channel, host: Host, hosts: readonly Host[]): Share | null {
  const { instanceGroups: groups, distribution } = channel;
  const receivers = hosts.filter(({ group }) => groups.length === 0 || groups.includes(group));
  const index = receivers.findIndex(({ name }) => name === host.name);
  if (index === -1) return null;
  return distribution === 'ShardedByS3Key' ? { index, of: receivers.length } : { index: 0, of: 1 };
}
