/** A host's room: the folder of this machine in which its part of `/opt/ml` is laid out, path by path. */
import { join, posix } from 'node:path';
import { OptmlError } from '../errors.js';

/** Where a path of the container lies in the room. A path that climbs stays inside. */
export function inRoom(room: string, containerPath: string): string {
  return join(room, posix.normalize(`/${containerPath}`));
}

/**
 * The parts of a local name, checked to stay below the channel's folder. Empty parts vanish as in any file system.
 * Throws OBJECT_UNPLACEABLE with the URI.
 */
export function safeParts(name: string, uri: string): string[] {
  const parts = name.split('/').filter(part => part !== '');
  const bad = parts.find(
    part => part === '.' || part === '..' || part.includes('\0') || Buffer.byteLength(part) > 255,
  );
  if (bad === undefined) return parts;
  const shown = bad.length > 40 ? `${bad.slice(0, 40)}…` : bad;
  throw new OptmlError(
    'OBJECT_UNPLACEABLE',
    `The object ${uri} cannot become a file of its channel: the part ${JSON.stringify(shown)} of its name is no file name. Rename the object or narrow the channel's S3Uri.`,
  );
}
