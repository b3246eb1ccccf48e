/** Everything in an engine that bears our labels. */
import type Docker from 'dockerode';
import type { Leftover } from '../port.js';
import { ANSWER_MS, ignoring, REMOVE_MS, within } from './asking.js';
import { removeContainer } from './container-end.js';
import { LABELS, labelsOf } from './container-options.js';
import { removeVolumes } from './room-volumes.js';

/** Throws the silence of an engine as it is. */
export async function findLeftovers(docker: Docker, signal: AbortSignal): Promise<Leftover[]> {
  const filters = { label: [LABELS.run] };
  const [containers, networks, { Volumes: volumes }] = await within(
    ANSWER_MS * 2,
    abortSignal =>
      Promise.all([
        docker.listContainers({ all: true, filters, abortSignal }),
        docker.listNetworks({ filters, abortSignal }),
        docker.listVolumes({ filters, abortSignal }),
      ]),
    signal,
  );
  return [
    ...containers.map((one): Leftover => ({
      kind: 'container',
      id: one.Id,
      labels: labelsOf(one.Labels),
      remove: () => within(REMOVE_MS, signal => removeContainer(docker.getContainer(one.Id), signal)),
    })),
    ...networks.map((one): Leftover => ({
      kind: 'network',
      id: one.Id,
      labels: labelsOf(one.Labels ?? {}),
      remove: () => ignoring([404], docker.getNetwork(one.Id).remove()),
    })),
    ...volumes.map((one): Leftover => ({
      kind: 'volume',
      id: one.Name,
      labels: labelsOf(one.Labels),
      remove: () => removeVolumes(docker, [one.Name]),
    })),
  ];
}
