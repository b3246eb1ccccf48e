/**
 * Rooms as volumes: for users who may not read or delete what root wrote into a folder, and for engines elsewhere. Files go
 * in through a container that is never started, and come out of the ended one through the archive API.
 */
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { HostHandle, HostToPlace } from '../port.js';
import { hasStatus, ignoring, untilLetGo } from './asking.js';
import { containerLost, removeContainer } from './container-end.js';
import {
  asDockerLabels,
  containerOptions,
  labelsOf,
  resourceName,
  volumeMount,
} from './container-options.js';
import { UNKNOWN_MACHINE } from './share-of-machine.js';

/** Labels of a volume: where it is mounted, and in a container of which image. */
const PATH = 'optml.path';
const IMAGE = 'optml.image';
const PLATFORM = 'optml.platform';

/** Mount path → volume name. */
export type Volumes = Readonly<Record<string, string>>;

export async function makeVolumes(
  docker: Docker,
  { plan, image, labels, outside, shared }: HostToPlace,
): Promise<Volumes> {
  const made: Record<string, string> = {};
  try {
    for (const [index, { path, viewOf }] of plan.mounts.entries()) {
      if (outside[path] !== undefined || viewOf !== undefined || shared.includes(path)) continue;
      const name = `${resourceName(labels)}-${index}${readable(path)}`;
      await docker.createVolume({
        Name: name,
        Labels: {
          ...asDockerLabels(labels),
          [PATH]: path,
          [IMAGE]: image.id,
          [PLATFORM]: plan.container.platform,
        },
      });
      made[path] = name;
    }
    return made;
  } catch (thrown) {
    await removeVolumes(docker, Object.values(made));
    throw thrown;
  }
}

/** What of a path may stand in a volume's name; only for the eyes, since two paths can read the same. */
function readable(path: string): string {
  return path.replace(/[^a-zA-Z0-9_.]+/g, '-').slice(0, 40);
}

/** `contents` is a tar stream of the whole room, with paths from the root of the container. */
export async function fillVolumes(
  {
    docker,
    host,
    volumes,
    contents,
  }: { docker: Docker; host: HostToPlace; volumes: Volumes; contents: AsyncIterable<Uint8Array> },
  signal: AbortSignal,
): Promise<void> {
  // What comes from elsewhere is not touched: of it, the room has an empty folder. What is shared is not sent.
  const inRoom = host.plan.mounts.filter(
    ({ path }) => host.outside[path] === undefined && !host.shared.includes(path),
  );
  const writable = inRoom.map(mount => ({ ...mount, writable: true }));
  const options = containerOptions({
    ...host,
    plan: { ...host.plan, mounts: writable, limits: null, gpus: 0 },
    shared: [],
    network: { kind: 'none', id: null, addresses: {} },
    names: null,
    room: { kind: 'volumes', volumes },
    machine: UNKNOWN_MACHINE,
  });
  const loader = await docker.createContainer({
    ...options,
    name: `${resourceName(host.labels)}-loader`,
  });
  try {
    const body = Readable.from(contents, { objectMode: false, highWaterMark: 1 << 20 });
    await loader.putArchive(body, { path: '/', abortSignal: signal });
  } finally {
    // With the volumes that the image itself asks for.
    await loader.remove({ force: true, v: true });
  }
}

/** Those of the names that are still there. */
export async function volumesOf(
  docker: Docker,
  names: readonly string[],
): Promise<Docker.VolumeInspectInfo[]> {
  const found = names.map(async name => {
    try {
      return [await docker.getVolume(name).inspect()];
    } catch (thrown) {
      if (hasStatus(thrown, 404)) return [];
      throw thrown;
    }
  });
  return (await Promise.all(found)).flat();
}

/** By it, a process that comes after this one finds the reader of a host. */
export function readerName({ container }: HostHandle): string {
  return `optml-${container.slice(0, 12)}-reader`;
}

/**
 * A container of the image that the volumes were made for, which has them at their paths and is not started; it takes the place of
 * one that a dead process left. Throws CONTAINER_LOST for volumes that do not say where they belong.
 */
export async function openReader(
  docker: Docker,
  host: HostHandle,
  volumes: readonly Docker.VolumeInspectInfo[],
): Promise<Docker.Container> {
  const labels = volumes[0]?.Labels ?? {};
  const mounts = volumes.flatMap(({ Name, Labels }) => {
    const path = Labels[PATH];
    return path === undefined ? [] : [volumeMount({ Target: path, ReadOnly: true }, Name)];
  });
  if (mounts.length < volumes.length || labels[IMAGE] === undefined) throw containerLost(host.host);
  const name = readerName(host);
  const create = (): Promise<Docker.Container> =>
    docker.createContainer({
      name,
      ...(labels[PLATFORM] === undefined ? {} : { platform: labels[PLATFORM] }),
      Image: labels[IMAGE] ?? '',
      // An image need not name any, and the engine wants one.
      Entrypoint: ['true'],
      Labels: asDockerLabels(labelsOf(labels)),
      HostConfig: { NetworkMode: 'none', Mounts: mounts },
    });
  try {
    return await create();
  } catch (thrown) {
    if (!hasStatus(thrown, 409)) throw thrown;
    await removeContainer(docker.getContainer(name));
    return untilLetGo(create);
  }
}

/** Missing ones are no error. */
export async function removeVolumes(docker: Docker, names: readonly string[]): Promise<void> {
  for (const name of names)
    await ignoring(
      [404],
      untilLetGo(() => docker.getVolume(name).remove({ force: true })),
    );
}
