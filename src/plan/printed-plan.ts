/** The plan as `optml plan` prints it (design §2): paths absolute in the container, places in S3 as URIs. Pure. */
import type { Difference } from '../job/differences.js';
import { formatS3Uri } from '../job/s3-location.js';
import { localName, manifestHead, manifestLine } from './objects.js';
import type { ChannelPlan, HostPlan, Plan } from './plan.js';

export interface PrintedPlan {
  readonly job: Plan['job'];
  readonly hosts: readonly PrintedHost[];
  readonly uploads: readonly {
    readonly from: string;
    readonly to: string;
    readonly when: 'end' | 'continuous';
  }[];
  readonly limits: Plan['limits'];
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
  readonly mounts: HostPlan['mounts'];
  readonly files: Readonly<Record<string, string>>;
  readonly channels: readonly {
    readonly name: string;
    readonly mode: string;
    readonly objects: readonly {
      readonly uri: string;
      readonly path: string;
      readonly bytes: number | null;
    }[];
  }[];
}

/** What a listing showed, in its order. */
export type ListedObjects = readonly { readonly key: string; readonly size: number | null }[];

export function printPlan(plan: Plan, objectsOf: (channel: string) => ListedObjects): PrintedPlan {
  return {
    job: plan.job,
    hosts: plan.hosts.map(host => printHost(host, objectsOf)),
    uploads: plan.uploads.map(({ from, to, when }) => ({ from, to: formatS3Uri(to), when })),
    limits: plan.limits,
    differences: plan.differences,
  };
}

function printHost(host: HostPlan, objectsOf: (channel: string) => ListedObjects): PrintedHost {
  const { image, entrypoint, command, environment } = host.container;
  const manifests = host.channels.flatMap(channel =>
    channel.manifest === null ? [] : [[channel.manifest, manifestOf(channel, objectsOf(channel.name))]],
  );
  return {
    name: host.name,
    containers: [{ image, entrypoint, command, environment }],
    mounts: host.mounts,
    files: { ...host.files, ...(Object.fromEntries(manifests) as Record<string, string>) },
    channels: host.channels.map(channel => ({
      name: channel.name,
      mode: channel.mode,
      objects: objectsOf(channel.name).map(({ key, size }) => ({
        uri: formatS3Uri({ bucket: channel.location.bucket, key }),
        path: `${channel.folder}/${localName(channel.location.key, key)}`,
        bytes: size,
      })),
    })),
  };
}

function manifestOf(channel: ChannelPlan, objects: ListedObjects): string {
  return (
    manifestHead(channel.location) + objects.map(({ key }) => manifestLine(channel.location, key)).join('')
  );
}
