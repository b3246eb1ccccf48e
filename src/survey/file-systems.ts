/** EFS and FSx for Lustre by `--map-fs fs-0123…=./folder`: a folder of this machine stands for the whole file system. */
import { realpathSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { OptmlError } from '../errors.js';
import type { Channel, FileSystem } from '../job/channel.js';

export interface FileSystemMap {
  /** `fs-0123…` */
  readonly id: string;
  /** Absolute; no link. */
  readonly folder: string;
}

/** Reads `fs-0123…=path`; a relative path is taken from `workingFolder`. Throws USAGE. */
export function parseFileSystemMap(text: string, workingFolder: string): FileSystemMap {
  const { id, path } = /^(?<id>fs-[0-9a-f]{8,})=(?<path>.+)$/s.exec(text)?.groups ?? {};
  if (id === undefined || path === undefined)
    throw new OptmlError(
      'USAGE',
      `"${text}" is no map of a file system: expected fs-0123456789abcdef0=./folder.`,
    );
  const folder = realFolder(resolve(workingFolder, path));
  if (folder === null)
    throw new OptmlError(
      'USAGE',
      `The map "${text}" leads nowhere: expected a folder of this machine behind the =; make it, or mend the path.`,
    );
  return { id, folder };
}

/**
 * Channel → the folder that its DirectoryPath is, links followed. Throws REQUEST_REFUSED for a file system without a map,
 * and for a path that is missing or leads out of the mapped folder.
 */
export function foldersOfFileSystems(
  { channels }: { readonly channels: readonly Channel[] },
  maps: readonly FileSystemMap[],
): Record<string, string> {
  return Object.fromEntries(
    channels.flatMap(({ name, fileSystem }) =>
      fileSystem === null ? [] : [[name, folderOf(name, fileSystem, maps)]],
    ),
  );
}

function folderOf(
  channel: string,
  { id, directoryPath }: FileSystem,
  maps: readonly FileSystemMap[],
): string {
  // A later flag goes before an earlier one.
  const map = maps.findLast(one => one.id === id);
  if (map === undefined)
    throw new OptmlError(
      'REQUEST_REFUSED',
      `Channel "${channel}" reads the file system ${id}, which is not on this machine: let a folder stand for it with --map-fs ${id}=./folder.`,
    );
  const climbs = directoryPath.split('/').includes('..') || directoryPath.includes('\0');
  const folder = climbs ? null : realFolder(join(map.folder, directoryPath));
  if (folder === null || !(folder === map.folder || folder.startsWith(withSlash(map.folder))))
    throw new OptmlError(
      'REQUEST_REFUSED',
      `Channel "${channel}" has the DirectoryPath "${directoryPath}", which is no folder in ${map.folder}: make it there, or mend --map-fs ${id}=… (links and .. may not lead out of it).`,
    );
  return folder;
}

function withSlash(folder: string): string {
  return folder.endsWith(sep) ? folder : folder + sep;
}

/** With all links followed; null when it is no folder. */
export function realFolder(path: string): string | null {
  try {
    const real = realpathSync(path);
    return statSync(real).isDirectory() ? real : null;
  } catch {
    return null;
  }
}
