/**
 * What ended hosts left in volumes, through the engine's archive API. A container that somebody removed took nothing with it: then
 * another one, which is never started, holds its volumes while they are read.
 */
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { HostHandle } from '../port.js';
import { ANSWER_MS, hasStatus, isSilence, refused, within } from './asking.js';
import { containerLost, isGone, removeContainer } from './container-end.js';
import { openReader, readerName, volumesOf } from './room-volumes.js';

export interface HostArchives {
  /**
   * A path of the host as a tar stream; null where there is nothing. Throws CONTAINER_LOST when the container is gone, and some of
   * its volumes or its image are as well.
   */
  read(host: HostHandle, path: string): Promise<Readable | null>;
  /** Before the host's volumes are removed, whoever has opened them. Twice is no error. */
  close(host: HostHandle): Promise<void>;
}

/** Readers may be removed as their hosts were. */
const OPENINGS = 2;

/** Throws the silence of an engine as it is. */
export function hostArchives(docker: Docker): HostArchives {
  const readers = new Map<string, Promise<Docker.Container | null>>();

  const open = async (host: HostHandle): Promise<Docker.Container | null> => {
    const volumes = await volumesOf(docker, host.volumes);
    if (volumes.length === 0) return null;
    if (volumes.length < host.volumes.length) throw containerLost(host.host);
    try {
      return await openReader(docker, host, volumes);
    } catch (thrown) {
      if (hasStatus(thrown, 404)) throw containerLost(host.host, thrown);
      throw isSilence(thrown) ? thrown : refused(thrown);
    }
  };

  const readerOf = (host: HostHandle): Promise<Docker.Container | null> => {
    const known = readers.get(host.container);
    if (known !== undefined) return known;
    const opening = open(host);
    readers.set(host.container, opening);
    opening.catch(() => readers.delete(host.container));
    return opening;
  };

  return {
    async read(host, path) {
      const archive = await archiveOf(docker.getContainer(host.container), path);
      if (archive !== 'gone') return archive;
      for (let opening = 0; opening < OPENINGS; opening += 1) {
        const reader = await readerOf(host);
        if (reader === null) return null;
        const found = await archiveOf(reader, path);
        if (found !== 'gone') return found;
        readers.delete(host.container);
      }
      throw containerLost(host.host);
    },

    async close(host) {
      readers.delete(host.container);
      // Also one that a dead process has left.
      if (host.volumes.length > 0) await removeContainer(docker.getContainer(readerName(host)));
    },
  };
}

/** Null: there is nothing at that path. What a container has that is gone must not count as nothing. */
async function archiveOf(container: Docker.Container, path: string): Promise<Readable | null | 'gone'> {
  try {
    const archive = await within(ANSWER_MS * 2, abortSignal => container.getArchive({ path, abortSignal }));
    return Readable.from(archive, { objectMode: false });
  } catch (thrown) {
    if (isSilence(thrown)) throw thrown;
    if (await isGone(container)) return 'gone';
    if (hasStatus(thrown, 404)) return null;
    throw refused(thrown);
  }
}
