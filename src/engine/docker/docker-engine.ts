/** The Docker engine behind the engine port. */
import { Writable } from 'node:stream';
import { OptmlError } from '../../errors.js';
import type {
  Engine,
  EngineFacts,
  HostHandle,
  NamesHelper,
  HostToPlace,
  ImageFacts,
  ImageOptions,
  ImageWanted,
  JobNetwork,
  Leftover,
  RunningHost,
} from '../port.js';
import {
  ANSWER_MS,
  ignoring,
  isSilence,
  persistence,
  refused,
  REMOVE_MS,
  untilLetGo,
  within,
} from './asking.js';
import { containerEnd, removeContainer } from './container-end.js';
import { dockerClient } from './docker-client.js';
import type { Endpoint } from './endpoint.js';
import {
  assertRunsLinux,
  factsOf,
  isDockerDesktop,
  machineOf,
  mapsUsers,
  type EngineInfo,
} from './engine-info.js';
import { gatewayOf, isOwnAddress } from './gateway.js';
import { containerOptions, type Room } from './container-options.js';
import { hostArchives } from './host-archives.js';
import { findImage, type ImageSources } from './images.js';
import { closeNetwork, openNetwork } from './job-network.js';
import { findLeftovers } from './leftovers.js';
import { closeNames, endNames, openNames } from './names-container.js';
import { fillVolumes, makeVolumes, removeVolumes } from './room-volumes.js';
import { UNKNOWN_MACHINE, type ContainerMachine } from './share-of-machine.js';

export interface DockerEngineOptions {
  readonly endpoint: Endpoint;
  readonly mappedImages: ImageSources['mapped'];
  readonly credentials: ImageSources['credentials'];
  /** Whether this process may read and delete what a root container writes into a folder of this machine. */
  readonly ownsRootFiles: boolean;
}

export function dockerEngine(options: DockerEngineOptions): Engine {
  const docker = dockerClient(options.endpoint);
  const abortable = docker as unknown as Abortable;
  const name = `the Docker engine at ${options.endpoint.url}`;
  let machine: ContainerMachine = UNKNOWN_MACHINE;
  let isDesktop = false;
  let bindsRooms = options.ownsRootFiles && options.endpoint.url.startsWith('unix://');

  /** Turns an engine's refusal to answer into our words; its other errors go on. */
  const asked = async <T>(request: Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (thrown) {
      throw isSilence(thrown) ? unreachable(options.endpoint, thrown) : thrown;
    }
  };

  const persistently = persistence();
  /** For what may be asked twice. */
  const steadily = (milliseconds: number, ask: (signal: AbortSignal) => Promise<void>): Promise<void> =>
    asked(persistently(() => within(milliseconds, ask)));

  /** Takes milliseconds, and is not broken off: the engine might have made what nobody would know of. */
  const create = async (host: HostToPlace, room: Room): Promise<string> => {
    const wanted = containerOptions({ ...host, room, machine });
    const container = await untilLetGo(() => docker.createContainer(wanted));
    return container.id;
  };

  const archives = hostArchives(docker);

  /** Helpers that are on their way out. */
  const closing = new Map<string, Promise<void>>();
  const closeOnce = (names: NamesHelper): Promise<void> => {
    const begun = closing.get(names.container) ?? asked(persistently(() => closeNames(docker, names)));
    closing.set(names.container, begun);
    // The next one asks anew.
    begun.catch(() => closing.delete(names.container));
    return begun;
  };

  return {
    name,

    async probe(signal: AbortSignal): Promise<EngineFacts> {
      const info = (await asked(
        within(ANSWER_MS * 2, abortSignal => abortable.info({ abortSignal }), signal),
      )) as EngineInfo;
      machine = machineOf(info);
      assertRunsLinux(info, name);
      isDesktop = isDockerDesktop(info);
      bindsRooms &&= !mapsUsers(info) && !isDesktop;
      return { ...factsOf(info), bindsRooms };
    },

    image(wanted: ImageWanted, imageOptions: ImageOptions): Promise<ImageFacts> {
      return asked(
        findImage(
          { docker, mapped: options.mappedImages, credentials: options.credentials },
          wanted,
          imageOptions,
        ),
      );
    },

    openNetwork(wanted, labels): Promise<JobNetwork> {
      return asked(openNetwork(docker, wanted, labels));
    },

    closeNetwork(network): Promise<void> {
      return asked(closeNetwork(docker, network));
    },

    async gateway({ id }): Promise<string | null> {
      if (!options.endpoint.url.startsWith('unix://')) return null;
      const network: unknown = await asked(docker.getNetwork(id ?? 'bridge').inspect());
      const address = gatewayOf(network);
      // An engine in another network namespace, or in a virtual machine, has a gateway that is not this machine's.
      return address !== null && (await isOwnAddress(address)) ? address : null;
    },

    openNames(wanted, signal): Promise<NamesHelper> {
      return asked(openNames(docker, wanted, signal));
    },

    closeNames: closeOnce,

    async place(host: HostToPlace, signal: AbortSignal): Promise<HostHandle> {
      const common = {
        host: host.plan.name,
        ...(host.names?.kind === 'helper' ? { names: host.names } : {}),
      };
      if (bindsRooms) {
        try {
          const container = await asked(create(host, { kind: 'folder', folder: host.folder }));
          return { ...common, container, volumes: [] };
        } catch (thrown) {
          // The socket is here but the files are not: the engine runs elsewhere, so the room is sent to it.
          if (!isMissingSource(thrown)) throw refused(thrown);
        }
      }
      if (host.shared.length > 0 && (!options.endpoint.url.startsWith('unix://') || isDesktop))
        throw tooFar(name);
      const volumes = await asked(makeVolumes(docker, host));
      try {
        await asked(fillVolumes({ docker, host, volumes, contents: host.contents() }, signal));
        const container = await asked(create(host, { kind: 'volumes', volumes }));
        return { ...common, container, volumes: Object.values(volumes) };
      } catch (thrown) {
        await removeVolumes(docker, Object.values(volumes));
        throw isMissingSource(thrown) ? cannotSee(name, host) : refused(thrown);
      }
    },

    async start(host: HostHandle, onOutput): Promise<RunningHost> {
      const container = docker.getContainer(host.container);
      // Attached first: nothing that it prints is missed.
      const stream = await asked(container.attach({ stream: true, stdout: true, stderr: true }));
      const drained = new Promise<void>(resolve => {
        for (const event of ['end', 'close', 'error']) stream.once(event, resolve);
      });
      const sink = (source: 'stdout' | 'stderr'): Writable =>
        new Writable({
          write(chunk: Buffer, _encoding, done) {
            onOutput(source, chunk);
            done();
          },
        });
      docker.modem.demuxStream(stream, sink('stdout'), sink('stderr'));
      try {
        await asked(container.start());
      } catch (thrown) {
        (stream as NodeJS.ReadWriteStream & { destroy(): void }).destroy();
        throw refused(thrown, 'CONTAINER_UNSTARTABLE');
      }
      const ended = drained
        .then(() => asked(containerEnd(docker, host)))
        .finally(() => {
          // Its network is of no use any more, and takes time to take down.
          if (host.names !== undefined) endNames(docker, host.names).catch(() => undefined);
        });
      // Whoever waits hears of it; a loss before anybody does must not end the process.
      ended.catch(() => undefined);
      return { ended };
    },

    async stop(host, graceSeconds): Promise<void> {
      await asked(ignoring([304, 404], docker.getContainer(host.container).stop({ t: graceSeconds })));
    },

    async kill(host): Promise<void> {
      const container = docker.getContainer(host.container);
      await steadily(ANSWER_MS, abortSignal => ignoring([404, 409], container.kill({ abortSignal })));
    },

    archive(host) {
      return host.volumes.length === 0 ? null : path => asked(archives.read(host, path));
    },

    async remove(host): Promise<void> {
      const container = docker.getContainer(host.container);
      const removed = async (): Promise<void> => {
        await steadily(REMOVE_MS, abortSignal => removeContainer(container, abortSignal));
        await asked(archives.close(host));
        await asked(removeVolumes(docker, host.volumes));
      };
      await allOf([removed(), ...(host.names === undefined ? [] : [closeOnce(host.names)])]);
    },

    leftovers(signal): Promise<Leftover[]> {
      return asked(findLeftovers(docker, signal));
    },

    close(): void {
      // dockerode keeps no connection open between requests.
    },
  };
}

/** When all have come to rest. Throws the first failure in their order. */
async function allOf(tasks: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).find(one => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function isMissingSource(thrown: unknown): boolean {
  return /bind source path does not exist/.test((thrown as Error).message);
}

function cannotSee(engine: string, { outside, shared }: HostToPlace): OptmlError {
  if (shared.length > 0) return tooFar(engine);
  const [folder = ''] = Object.values(outside);
  return new OptmlError(
    'ENGINE_UNFIT',
    `${engine} cannot mount ${folder}: it does not see the files of this machine; run the job on an engine that does.`,
  );
}

/** This takes a signal, which its type does not know; without it a silent engine would keep this process alive. */
interface Abortable {
  info(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
}

function tooFar(name: string): OptmlError {
  return new OptmlError(
    'ENGINE_UNFIT',
    `Pipe mode cannot be had on ${name}: its containers share no FIFOs with this machine; use File mode there, or an engine on this machine.`,
  );
}

function unreachable({ url, from }: Endpoint, cause: unknown): OptmlError {
  const { code } = cause as { code?: string };
  const reason =
    code === 'EACCES'
      ? `may not be used by this user: add yourself to the "docker" group (sudo usermod -aG docker $USER) and log in again`
      : `does not answer${typeof code === 'string' && code !== 'ABORT_ERR' ? ` (${code})` : ''}: start it (sudo systemctl start docker, or Docker Desktop), or name another with --docker-host`;
  return new OptmlError('ENGINE_UNREACHABLE', `The Docker engine at ${url} (from ${from}) ${reason}.`, {
    cause,
  });
}
