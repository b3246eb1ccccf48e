/**
 * The container engine, in our own words. Its unit is a host, not a container: a host takes its room, its helper and its
 * job as one thing, which is what a Pod is and what Docker can be asked for piece by piece.
 *
 * Handles are plain data: they go into the journal, so that another process can take over what a dead one left.
 */
import type { Readable } from 'node:stream';
import type { NetworkPlan } from '../plan/network.js';
import type { HostPlan } from '../plan/plan.js';

export interface Engine {
  /** For messages: `the Docker engine at unix:///var/run/docker.sock`. */
  readonly name: string;
  /** Throws ENGINE_UNREACHABLE. */
  probe(signal: AbortSignal): Promise<EngineFacts>;
  /** Makes sure that the image is there: as it is, under a mapped name, or pulled. Throws IMAGE_UNAVAILABLE, ENGINE_UNREACHABLE. */
  image(wanted: ImageWanted, options: ImageOptions): Promise<ImageFacts>;
  /** Names and network of a job's hosts, before any of them is placed. Throws ENGINE_UNFIT where there is no room for one. */
  openNetwork(wanted: NetworkPlan, labels: HostLabels): Promise<JobNetwork>;
  /** Removes what was made for it, when no host is left. Twice is no error. */
  closeNetwork(network: JobNetwork): Promise<void>;
  /** The address at which containers on this network reach this process; null where they cannot. */
  gateway(network: JobNetwork): Promise<string | null>;
  /**
   * Makes the network of a host before it, and answers names in it for as long as it is open: those lead to this process.
   * Throws ENGINE_UNFIT where the engine cannot do so.
   */
  openNames(wanted: NamesWanted, signal: AbortSignal): Promise<NamesHelper>;
  /** Twice is no error. `remove` does so as well. */
  closeNames(names: NamesHelper): Promise<void>;
  /** Makes a host ready to start. `room` is the folder of this machine in which its `/opt/ml` is laid out. */
  place(host: HostToPlace, signal: AbortSignal): Promise<HostHandle>;
  /** Starts it; everything that it prints goes to `onOutput`. Throws CONTAINER_UNSTARTABLE, ENGINE_UNREACHABLE. */
  start(
    host: HostHandle,
    onOutput: (source: 'stdout' | 'stderr', chunk: Buffer) => void,
  ): Promise<RunningHost>;
  /** `docker stop`: SIGTERM, then SIGKILL after the grace. Ended hosts are no error. */
  stop(host: HostHandle, graceSeconds: number): Promise<void>;
  /** SIGKILL. Ended hosts are no error. */
  kill(host: HostHandle): Promise<void>;
  /**
   * What an ended host left, when only the engine can read it; null for hosts whose room is on this machine. Its function
   * throws CONTAINER_LOST where there is something that it cannot reach any more.
   */
  archive(host: HostHandle): ((containerPath: string) => Promise<Readable | null>) | null;
  /** Removes the host with all that was made for it. Twice is no error. */
  remove(host: HostHandle): Promise<void>;
  /** Everything in the engine that bears our labels. */
  leftovers(signal: AbortSignal): Promise<Leftover[]>;
  /** Ends connections. */
  close(): void;
}

export interface EngineFacts {
  readonly version: string;
  /** `linux/amd64` */
  readonly platform: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** It can hand NVIDIA GPUs to containers. */
  readonly hasGpus: boolean;
  /** Rooms are folders of this machine that its containers mount; else volumes. */
  readonly bindsRooms: boolean;
  /** What of a container it can limit. */
  readonly limits: { readonly cpus: boolean; readonly memory: boolean };
}

export interface ImageWanted {
  /** As the request says it. */
  readonly reference: string;
  readonly platform: string;
}

export interface ImageOptions {
  readonly signal: AbortSignal;
  /** A pull begins. */
  readonly onPull: () => void;
  readonly onProgress: (progress: {
    readonly text: string;
    readonly done: number;
    readonly total: number;
  }) => void;
}

export interface ImageFacts {
  readonly id: string;
  /** `exact`, `mapped`, `local repository:tag` or `pulled`, with the name that was used. */
  readonly how: string;
  /** The image's USER; empty for root. */
  readonly user: string;
}

export interface HostToPlace {
  readonly plan: HostPlan;
  readonly image: ImageFacts;
  readonly network: JobNetwork;
  /** Who answers the names that it asks for; null: the engine. */
  readonly names: NamesHelper | Nameserver | null;
  /** Folder of this machine in which the host's `/opt/ml` is laid out. */
  readonly folder: string;
  /** The room as a tar stream, with paths from the root of the container: for engines that cannot mount the folder. */
  readonly contents: () => AsyncIterable<Uint8Array>;
  /**
   * Paths in it that this process goes on writing to while the container runs. Where rooms are not mounted these are, read-only;
   * an engine that cannot is refused with ENGINE_UNFIT.
   */
  readonly shared: readonly string[];
  /** Mounts that come from elsewhere: mount path → a folder of this machine. The room has an empty folder there. */
  readonly outside: Readonly<Record<string, string>>;
  readonly labels: HostLabels;
}

/** On every container, network and volume that is made; a network has no host. */
export interface HostLabels {
  readonly job: string;
  readonly run: string;
  readonly host: string;
  /** Who may be asked to end it: see `journal/owner.ts`. */
  readonly owner: string;
}

/** Plain data. */
export interface JobNetwork {
  readonly kind: NetworkPlan['kind'];
  /** The engine's name of a network that was made for the job; null where none was. */
  readonly id: string | null;
  /** Host → its address there. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface NamesWanted {
  readonly host: string;
  readonly image: ImageFacts;
  readonly network: JobNetwork;
  /** The source of a regular expression for names in lower case. */
  readonly names: string;
  /** What connects to the HTTPS port of one of them is brought there. */
  readonly leadsTo: { readonly address: string; readonly port: number };
  readonly labels: HostLabels;
}

/** Holds the host's network. Plain data. */
export interface NamesHelper {
  readonly kind: 'helper';
  readonly container: string;
}

/** At an address that the host reaches. */
export interface Nameserver {
  readonly kind: 'server';
  readonly address: string;
}

/** Plain data. */
export interface HostHandle {
  readonly host: string;
  readonly container: string;
  /** Empty when the room of this machine is what the container has mounted. */
  readonly volumes: readonly string[];
  /** Not there where there is none. */
  readonly names?: NamesHelper;
}

export interface RunningHost {
  /** When the container has ended and all that it printed was handed over. Throws ENGINE_UNREACHABLE when the engine is lost, CONTAINER_LOST when somebody else removed it. */
  readonly ended: Promise<HostExit>;
}

export interface HostExit {
  readonly code: number;
  /** The kernel ended a process of the container for its memory. */
  readonly outOfMemory: boolean;
}

export interface Leftover {
  readonly kind: 'container' | 'network' | 'volume';
  readonly id: string;
  readonly labels: HostLabels;
  remove(): Promise<void>;
}
