/**
 * What ended hosts left in volumes, through the engine's archive API. A container that somebody removed took nothing with it: then
 * another one, which is never started, holds its volumes while they are read.
 */
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { HostHandle } from '../port.js';
import { ANSWER_MS, hasStatus, ignoring, isSilence, refused, within } from './asking.js';
import { containerLost, isGone } from './container-end.js';
import { openReader, volumesOf } from './room-volumes.js';

export interface HostArchives {
  /**
   * A path of the host as a tar stream; null where there is nothing. Throws CONTAINER_LOST when the container is gone, and some of
   * its volumes or its image are as well.
   */
  read(host: HostHandle, path: string): Promise<Readable | null>;
  /** Before the host's volumes are removed. Twice is no error. */
  close(host: HostHandle): Promise<void>;
}

/** Throws the silence of an engine as it is. */
export function hostArchives(docker: Docker): HostArchives {
  const readers = new Map<string, Promise<Docker.Container | null>>();

  const readerFor = async (host: HostHandle, cause: unknown): Promise<Docker.Container | null> => {
    const volumes = await volumesOf(docker, host.volumes);
    if (volumes.length === 0) return null;
    if (volumes.length < host.volumes.length) throw containerLost(host.host, cause);
    try {
      return await openReader(docker, volumes);
    } catch (thrown) {
      throw hasStatus(thrown, 404) ? containerLost(host.host, thrown) : thrown;
    }
  };

  const readerOf = (host: HostHandle, cause: unknown): Promise<Docker.Container | null> => {
    const known = readers.get(host.container);
    if (known !== undefined) return known;
    const opening = readerFor(host, cause);
    readers.set(host.container, opening);
    opening.catch(() => readers.delete(host.container));
    return opening;
  };

  return {
    async read(host, path) {
      const container = docker.getContainer(host.container);
      try {
        return await archiveOf(container, path);
      } catch (thrown) {
        if (isSilence(thrown) || !(await isGone(container))) return nothingOr(thrown);
        const reader = await readerOf(host, thrown);
        return reader === null ? null : await archiveOf(reader, path).catch(nothingOr);
      }
    },

    async close(host) {
      const opened = await readers.get(host.container)?.catch(() => null);
      readers.delete(host.container);
      if (opened !== null && opened !== undefined) await ignoring([404], opened.remove({ force: true }));
    },
  };
}

async function archiveOf(container: Docker.Container, path: string): Promise<Readable> {
  const archive = await within(ANSWER_MS * 2, abortSignal => container.getArchive({ path, abortSignal }));
  return Readable.from(archive, { objectMode: false });
}

function nothingOr(thrown: unknown): null {
  if (hasStatus(thrown, 404)) return null;
  throw isSilence(thrown) ? thrown : refused(thrown);
}
