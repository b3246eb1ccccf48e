/** What the kinds of job differ in; everything else of a plan is the same for all of them. */
import type { Channel, S3Channel } from '../job/channel.js';
import type { Command } from './command.js';
import type { Surroundings } from './environment.js';
import type { Host } from './hosts.js';
import type { Mount } from './opt-ml-tree.js';
import type { UploadPlan } from './uploads.js';

export interface KindParts<Job, JobChannel extends S3Channel> {
  readonly command: (job: Job) => Command;
  readonly environment: (job: Job, surroundings: Surroundings, host: Host) => Record<string, string>;
  /** Folders in the container that exist before it starts, parents first; `channels` are those of the host. */
  readonly folders: (job: Job, channels: readonly Channel[]) => string[];
  readonly mounts: (job: Job, channels: readonly Channel[]) => Mount[];
  /** Path in the container → exact text. */
  readonly files: (host: {
    readonly job: Job;
    readonly currentHost: Host;
    readonly hosts: readonly Host[];
  }) => Record<string, string>;
  /** The channel's folder in the container. */
  readonly channelFolder: (channel: JobChannel) => string;
  /** Path in the container of the `<channel>-manifest` file; null where there is none. */
  readonly manifest: (channel: JobChannel) => string | null;
  /** `hosts`: the names of all. */
  readonly uploads: (job: Job, hosts: readonly string[]) => UploadPlan[];
  readonly messages: MessageFiles;
}

/** The files in which a container may leave a word about its end; null: this kind of job has none. */
export interface MessageFiles {
  readonly failure: string | null;
  readonly exit: string | null;
}
