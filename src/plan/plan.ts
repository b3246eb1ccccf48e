/**
 * What will happen, as data: the same job and the same settings give the same bytes. Nothing here reads a clock, a disk
 * or the environment; what is there in the store stands in the channel listings, which `objects.ts` reads as values.
 */
import type { Difference } from '../job/differences.js';
import type { S3Location } from '../job/s3-location.js';
import { s3Channels, type S3Channel, type TrainingJob } from '../job/training-job.js';
import { commandOf } from './command.js';
import { configFiles } from './config-files.js';
import { environmentOf, type Surroundings } from './environment.js';
import type { Share } from './objects.js';
import { hostsOf, shareOf, type Host } from './hosts.js';
import { networkOf, type NetworkPlan } from './network.js';
import { channelFolder, foldersOf, mountsOf, type Mount } from './opt-ml-tree.js';
import { uploadsOf, type UploadPlan } from './uploads.js';

export interface Plan {
  readonly job: { readonly kind: 'training'; readonly name: string; readonly arn: string };
  readonly hosts: readonly HostPlan[];
  readonly network: NetworkPlan;
  readonly uploads: readonly UploadPlan[];
  readonly limits: { readonly maxRuntimeSeconds: number; readonly stopGraceSeconds: number };
  readonly differences: readonly Difference[];
}

export interface HostPlan {
  /** `algo-1` … */
  readonly name: string;
  readonly container: ContainerPlan;
  /** Folders that are there before the container starts, parents first. */
  readonly folders: readonly string[];
  readonly mounts: readonly Mount[];
  /** Path in the container → exact text. */
  readonly files: Readonly<Record<string, string>>;
  readonly channels: readonly ChannelPlan[];
}

export interface ContainerPlan {
  readonly image: string;
  readonly platform: 'linux/amd64' | 'linux/arm64';
  /** Null where the image's own holds. */
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  /** What is added to the image's. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A channel that goes to a host. Its objects are the host's share of the channel's one listing. */
export interface ChannelPlan {
  readonly name: string;
  readonly mode: S3Channel['inputMode'];
  /** The key prefix, or the manifest's key. */
  readonly location: S3Location;
  readonly dataType: S3Channel['dataType'];
  /** The channel's folder in the container; the FIFOs of Pipe mode are `<folder>_<epoch>`. */
  readonly folder: string;
  /** Path in the container of the `<channel>-manifest` file; null where there is none. */
  readonly manifest: string | null;
  readonly share: Share;
  /** Objects are unpacked on their way. */
  readonly gzip: boolean;
  /** Each object, or attribute of an augmented manifest, becomes one record. */
  readonly recordIo: boolean;
  /** Null: the order is that of the listing. */
  readonly shuffleSeed: number | null;
  /** Of an augmented manifest; else empty. */
  readonly attributeNames: readonly string[];
}

/** StopTrainingJob is `docker stop -t 120` (contract §1.11). */
const STOP_GRACE_SECONDS = 120;

export function planTrainingJob(job: TrainingJob, surroundings: Surroundings): Plan {
  const hosts = hostsOf(job);
  const names = hosts.map(host => host.name);
  return {
    job: { kind: job.kind, name: job.name, arn: job.arn },
    hosts: hosts.map(host => planHost({ job, host, hosts, surroundings })),
    network: networkOf(job, names),
    uploads: uploadsOf(job, names),
    limits: { maxRuntimeSeconds: job.maxRuntimeSeconds, stopGraceSeconds: STOP_GRACE_SECONDS },
    differences: job.differences,
  };
}

function planHost({
  job,
  host,
  hosts,
  surroundings,
}: {
  readonly job: TrainingJob;
  readonly host: Host;
  readonly hosts: readonly Host[];
  readonly surroundings: Surroundings;
}): HostPlan {
  const channels = job.channels.filter(channel => shareOf(channel, host, hosts) !== null);
  return {
    name: host.name,
    container: {
      image: job.image,
      platform: job.platform,
      ...commandOf(job),
      environment: environmentOf(job, surroundings),
    },
    folders: foldersOf(job, channels),
    mounts: mountsOf(job, channels),
    files: configFiles({ job, currentHost: host, hosts }),
    channels: s3Channels(job).flatMap(channel => {
      const share = shareOf(channel, host, hosts);
      return share === null ? [] : [planChannel(channel, share)];
    }),
  };
}

function planChannel(channel: S3Channel, share: Share): ChannelPlan {
  const { name, inputMode: mode, dataType, location, shuffleSeed, attributeNames } = channel;
  const folder = channelFolder(channel);
  return {
    name,
    mode,
    location,
    dataType,
    folder,
    // UNCONFIRMED for other modes and manifests (contract §1.5).
    manifest: mode === 'File' && dataType === 'S3Prefix' ? `${folder}-manifest` : null,
    share,
    gzip: channel.compression === 'Gzip',
    recordIo: channel.recordWrapper === 'RecordIO',
    shuffleSeed,
    attributeNames,
  };
}
