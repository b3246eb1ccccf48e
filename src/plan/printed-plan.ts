/** The plan as `optml plan` prints it (design §2): paths absolute in the container, places in S3 as URIs. Pure. */
import type { Difference } from '../job/differences.js';
import { formatS3Uri } from '../job/s3-location.js';
import type { HostGpus, HostLimits } from './host-limits.js';
import { isInShare, manifestHead, manifestLine, nameInChannel, type Share } from './objects.js';
import type { ChannelPlan, HostPlan, Plan } from './plan.js';

export interface PrintedPlan {
  readonly job: Plan['job'];
  readonly hosts: readonly PrintedHost[];
  readonly network: Plan['network'];
  readonly uploads: readonly {
    readonly from: string;
    readonly hosts: readonly string[];
    readonly to: string;
    readonly when: 'end' | 'continuous';
  }[];
  readonly limits: Plan['limits'] & {
    /** With `--emulate-instance`: what of the machine each host gets. */
    readonly hosts?: Readonly<Record<string, HostLimits & { readonly gpus: HostGpus }>>;
  };
  readonly differences: readonly Difference[];
}

export interface PrintedHost {
  readonly name: string;
  readonly containers: readonly {
    readonly image: string;
    readonly entrypoint: readonly string[] | null;
    readonly command: readonly string[] | null;
    readonly environment: Readonly<Record<string, string>>;
  }[];
  readonly mounts: readonly { readonly path: string; readonly writable: boolean }[];
  readonly files: Readonly<Record<string, string>>;
  readonly channels: readonly {
    readonly name: string;
    readonly mode: string;
    /** The objects of a listing are dealt out to the hosts: this one gets every `of`-th, from `index` on. */
    readonly share: Share;
    readonly objects: readonly {
      readonly uri: string;
      readonly path: string;
      readonly bytes: number | null;
    }[];
  }[];
}

/** What a listing showed, in its order. */
export type ListedObjects = readonly {
  readonly bucket: string;
  readonly key: string;
  readonly size: number | null;
  /** The place in the listing that sharding goes by: several objects may stand in one line of an augmented manifest. */
  readonly position: number;
}[];

export function printPlan(plan: Plan, objectsOf: (channel: string) => ListedObjects): PrintedPlan {
  return {
    job: plan.job,
    hosts: plan.hosts.map(host => printHost(host, objectsOf)),
    network: plan.network,
    uploads: plan.uploads.map(({ from, hosts, to, when }) => ({ from, hosts, to: formatS3Uri(to), when })),
    limits: { ...plan.limits, ...hostLimits(plan.hosts) },
    differences: plan.differences,
  };
}

function hostLimits(hosts: readonly HostPlan[]): Pick<PrintedPlan['limits'], 'hosts'> {
  const limited = hosts.flatMap(({ name, limits, gpus }) =>
    limits === null ? [] : [[name, { ...limits, gpus }]],
  );
  return limited.length === 0
    ? {}
    : { hosts: Object.fromEntries(limited) as PrintedPlan['limits']['hosts'] & {} };
}

function printHost(host: HostPlan, objectsOf: (channel: string) => ListedObjects): PrintedHost {
  const { image, entrypoint, command, environment } = host.container;
  const manifests = host.channels.flatMap(channel =>
    channel.manifest === null ? [] : [[channel.manifest, manifestOf(channel, objectsOf(channel.name))]],
  );
  return {
    name: host.name,
    containers: [{ image, entrypoint, command, environment }],
    mounts: host.mounts.map(({ path, writable }) => ({ path, writable })),
    files: { ...host.files, ...(Object.fromEntries(manifests) as Record<string, string>) },
    channels: host.channels.map(channel => ({
      name: channel.name,
      mode: channel.mode,
      share: channel.share,
      objects: objectsOf(channel.name)
        .filter(({ position }) => isInShare(position, channel.share))
        .map(({ bucket, key, size }) => ({
          uri: formatS3Uri({ bucket, key }),
          path: pathOf(channel, key),
          bytes: size,
        })),
    })),
  };
}

/** The file that an object becomes, or the FIFO through which it comes first. */
function pathOf(channel: ChannelPlan, key: string): string {
  return channel.mode === 'Pipe' ? `${channel.folder}_0` : `${channel.folder}/${nameInChannel(channel, key)}`;
}

function manifestOf(channel: ChannelPlan, objects: ListedObjects): string {
  return (
    manifestHead(channel.location) + objects.map(({ key }) => manifestLine(channel.location, key)).join('')
  );
}
