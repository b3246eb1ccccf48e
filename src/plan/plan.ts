/**
 * What will happen, as data: the same job and the same settings give the same bytes. Nothing here reads a clock, a disk
 * or the environment; what is there in the store stands in the channel listings, which `objects.ts` reads as values.
 */
import type { Difference } from '../job/differences.js';
import type { S3Location } from '../job/s3-location.js';
import type { Job } from '../job/job.js';
import { s3Channels, type Channel, type S3Channel } from '../job/channel.js';
import { checkpointChannels, checkpointUploads, restartsOf, type RestartPlan } from './checkpoints.js';
import type { Surroundings } from './environment.js';
import type { KindParts, MessageFiles } from './kind-parts.js';
import type { Share } from './objects.js';
import { gpusOfInstance, limitsOfInstance, type HostGpus, type HostLimits } from './host-limits.js';
import { hostsOf, shareOf, type Host } from './hosts.js';
import { networkOf, type NetworkPlan } from './network.js';
import type { Mount } from './opt-ml-tree.js';
import { PROCESSING_PARTS } from './processing-parts.js';
import { withSharedFifos } from './shared-fifos.js';
import { TRAINING_PARTS } from './training-parts.js';
import type { UploadPlan } from './uploads.js';

export interface Plan {
  readonly job: { readonly kind: Job['kind']; readonly name: string; readonly arn: string };
  readonly hosts: readonly HostPlan[];
  readonly network: NetworkPlan;
  readonly uploads: readonly UploadPlan[];
  readonly limits: { readonly maxRuntimeSeconds: number; readonly stopGraceSeconds: number };
  readonly restarts: RestartPlan;
  readonly messages: MessageFiles;
  readonly differences: readonly Difference[];
}

export interface HostPlan {
  /** `algo-1` … */
  readonly name: string;
  readonly container: ContainerPlan;
  /** Null: it has all of the machine. */
  readonly limits: HostLimits | null;
  readonly gpus: HostGpus;
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

/** A channel that goes to a host, or the checkpoints that are restored there. Its objects are the host's share of the channel's one listing. */
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

/** StopTrainingJob is `docker stop -t 120` (contract §1.11); of StopProcessingJob it is not known (UNCONFIRMED, §2.8). */
const STOP_GRACE_SECONDS = 120;

export function planJob(job: Job, surroundings: Surroundings): Plan {
  return job.kind === 'training'
    ? assemble({ job, channels: s3Channels(job), parts: TRAINING_PARTS, surroundings })
    : assemble({ job, channels: job.channels, parts: PROCESSING_PARTS, surroundings });
}

interface Assembly<OneJob extends Job, JobChannel extends S3Channel> {
  readonly job: OneJob;
  /** Those whose data comes from a store. */
  readonly channels: readonly JobChannel[];
  readonly parts: KindParts<OneJob, JobChannel>;
  readonly surroundings: Surroundings;
}

function assemble<OneJob extends Job, JobChannel extends S3Channel>(
  assembly: Assembly<OneJob, JobChannel>,
): Plan {
  const { job, parts } = assembly;
  const hosts = hostsOf(job);
  const names = hosts.map(host => host.name);
  return {
    job: { kind: job.kind, name: job.name, arn: job.arn },
    hosts: hosts.map(host => planHost(assembly, host, hosts)),
    network: networkOf(job, names),
    uploads: [...parts.uploads(job, names), ...checkpointUploads(job, names)],
    limits: { maxRuntimeSeconds: job.maxRuntimeSeconds, stopGraceSeconds: STOP_GRACE_SECONDS },
    restarts: restartsOf(job),
    messages: parts.messages,
    differences: job.differences,
  };
}

function planHost<OneJob extends Job, JobChannel extends S3Channel>(
  { job, channels, parts, surroundings }: Assembly<OneJob, JobChannel>,
  host: Host,
  hosts: readonly Host[],
): HostPlan {
  const all: readonly Channel[] = job.channels;
  const here = all.filter(channel => shareOf(channel, host, hosts) !== null);
  const fed = channels.flatMap(channel => {
    const share = shareOf(channel, host, hosts);
    const place = { folder: parts.channelFolder(channel), manifest: parts.manifest(channel) };
    return share === null ? [] : [planChannel(channel, share, place)];
  });
  const mounts = parts.mounts(job, here);
  return {
    name: host.name,
    container: {
      image: job.image,
      platform: job.platform,
      ...parts.command(job),
      environment: parts.environment(job, surroundings, host),
    },
    limits: surroundings.emulateInstance === true ? limitsOfInstance(host.instanceType) : null,
    gpus: gpusOfInstance(host.instanceType, surroundings),
    folders: parts.folders(job, here),
    mounts: surroundings.bindsRooms === false ? withSharedFifos(mounts, fed) : mounts,
    files: parts.files({ job, currentHost: host, hosts }),
    channels: [...fed, ...checkpointChannels(job)],
  };
}

function planChannel(
  channel: S3Channel,
  share: Share,
  place: Pick<ChannelPlan, 'folder' | 'manifest'>,
): ChannelPlan {
  const { name, inputMode: mode, dataType, location, shuffleSeed, attributeNames } = channel;
  return {
    name,
    mode,
    location,
    dataType,
    ...place,
    share,
    gzip: channel.compression === 'Gzip',
    recordIo: channel.recordWrapper === 'RecordIO',
    shuffleSeed,
    attributeNames,
  };
}
