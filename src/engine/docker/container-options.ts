/** A planned host → what Docker's API takes. Pure. */
import { join } from 'node:path';
import type Docker from 'dockerode';
import type { HostLabels, HostToPlace, JobNetwork } from '../port.js';
import { shareOfMachine, type ContainerMachine } from './share-of-machine.js';

export const LABELS = {
  job: 'optml.job',
  run: 'optml.run',
  host: 'optml.host',
  owner: 'optml.owner',
} as const;

type Mount = HostToPlace['plan']['mounts'][number];

/** Where a host's mounts come from: a folder of this machine, or volumes by mount path. */
export type Room =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'volumes'; readonly volumes: Readonly<Record<string, string>> };

export function containerOptions({
  plan,
  folder,
  shared,
  image,
  network,
  names,
  labels,
  outside,
  room,
  machine,
}: HostToPlace & {
  readonly room: Room;
  readonly machine: ContainerMachine;
}): Docker.ContainerCreateOptions {
  const { entrypoint, command, environment, platform } = plan.container;
  // Where rooms are volumes, a shared folder is mounted as it is, and has none.
  const isOwn = ({ path }: Mount): boolean => room.kind === 'folder' || !shared.includes(path);
  return {
    name: resourceName(labels),
    platform,
    Image: image.id,
    // With the network comes the name.
    ...(names?.kind === 'helper' ? {} : { Hostname: plan.name }),
    ...(entrypoint === null ? {} : { Entrypoint: [...entrypoint] }),
    ...(command === null ? {} : { Cmd: [...command] }),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: asDockerLabels(labels),
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      Mounts: [
        ...plan.mounts.filter(isOwn).map(mount => mountOf(mount, { room, outside })),
        ...(room.kind === 'folder' ? [] : shared.map(path => sharedMount(folder, path))),
      ],
      ...shareOfMachine(plan, machine),
      ...(names?.kind === 'helper'
        ? { NetworkMode: `container:${names.container}` }
        : networkOptions(plan.name, network)),
      ...(names?.kind === 'server' ? { Dns: [names.address] } : {}),
    },
    ...(network.id === null || names?.kind === 'helper'
      ? {}
      : { NetworkingConfig: endpoint(plan.name, network.id, network) }),
  };
}

export function networkOptions(host: string, { kind, id, addresses }: JobNetwork): Docker.HostConfig {
  // Without a network Docker writes no entry for the own name, and AWS's toolkit waits for it.
  if (kind === 'none') return { NetworkMode: 'none', ExtraHosts: [`${host}:127.0.0.1`] };
  if (id === null) return {};
  const peers = Object.entries(addresses).filter(([name]) => name !== host);
  return {
    NetworkMode: id,
    ExtraHosts: peers.map(([name, address]) => `${name}:${address}`),
    ...(kind === 'peers-only' ? ASKS_NOBODY : {}),
  };
}

/**
 * Docker's DNS server would pass questions on from the machine's own network when the machine's resolver is on its loopback
 * (CVE-2024-29018): a way out. So it is told of the container's loopback, where nobody answers; a look-up ends after 1 s, not 20.
 */
const ASKS_NOBODY: Docker.HostConfig = { Dns: ['127.0.0.1'], DnsOptions: ['timeout:1', 'attempts:1'] };

/** The alias is for programs that ask the DNS server and nothing else. */
export function endpoint(
  host: string,
  id: string,
  { addresses }: JobNetwork,
): NonNullable<Docker.ContainerCreateOptions['NetworkingConfig']> {
  const address = addresses[host];
  const fixed = address === undefined ? {} : { IPAMConfig: { IPv4Address: address } };
  return { EndpointsConfig: { [id]: { Aliases: [host], ...fixed } } };
}

/** Name of what is made for one host: readable, and unique by its run. */
export function resourceName({ run, host }: HostLabels): string {
  return `optml-${run}-${host}`;
}

export function asDockerLabels(labels: HostLabels): Record<string, string> {
  return {
    [LABELS.job]: labels.job,
    [LABELS.run]: labels.run,
    [LABELS.host]: labels.host,
    [LABELS.owner]: labels.owner,
  };
}

export function labelsOf(labels: Readonly<Record<string, string>>): HostLabels {
  return {
    job: labels[LABELS.job] ?? '',
    run: labels[LABELS.run] ?? '',
    host: labels[LABELS.host] ?? '',
    owner: labels[LABELS.owner] ?? '',
  };
}

/** Root of the container could leave files there that this user cannot delete. */
function sharedMount(folder: string, path: string): Docker.MountSettings {
  return { Target: path, Type: 'bind', Source: join(folder, path), ReadOnly: true };
}

function mountOf(
  mount: Mount,
  { room, outside }: { readonly room: Room; readonly outside: HostToPlace['outside'] },
): Docker.MountSettings {
  const common = { Target: mount.path, ReadOnly: !mount.writable };
  const folder = outside[mount.path];
  if (folder !== undefined) return { ...common, Type: 'bind', Source: folder };
  if (room.kind === 'folder')
    return { ...common, Type: 'bind', Source: join(room.folder, mount.viewOf ?? mount.path) };
  return volumeMount(common, room.volumes[mount.viewOf ?? mount.path] ?? '');
}

/** What the image has at that path stays hidden, as it is by a bind. */
export function volumeMount(
  common: { readonly Target: string; readonly ReadOnly: boolean },
  volume: string,
): Docker.MountSettings {
  return {
    ...common,
    Type: 'volume',
    Source: volume,
    VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: '', Options: {} } },
  };
}
