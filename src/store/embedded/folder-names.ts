/**
 * The names in a folder, sorted as keys are. Of large folders the sorted names are kept, packed, for as long as the
 * folder's own time says that nothing was added or removed: the next page of a listing starts where it must.
 */

import { lstatSync, opendirSync, type Dir, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { systemCode } from '../../errors.js';
import { compareKeys } from '../key-order.js';
import { isSettled } from './file-stamp.js';
import { mergeNames, packNames, sortedNames, type PackedNames, type SortedNames } from './packed-names.js';

export interface FolderNames {
  /**
   * Files by their names, folders with a slash behind: so their keys sort among those of their neighbours.
   * No names for what is missing or no folder.
   */
  read(path: string): Promise<SortedNames>;
}

/** Folders of fewer names are read again each time, in a millisecond or two. */
const KEPT_FROM = 2_000;
/** Of all names that are kept. */
const KEPT_BYTES = 96 * 1024 * 1024;
/** Names that are read and sorted without giving others a turn. */
const RUN = 8_192;

interface Kept {
  readonly state: string;
  readonly names: PackedNames;
}

export function createFolderNames(): FolderNames {
  const kept = new Map<string, Kept>();
  const reading = new Map<string, Promise<SortedNames>>();
  let bytes = 0;

  function forget(path: string): void {
    bytes -= kept.get(path)?.names.bytes ?? 0;
    kept.delete(path);
  }

  function keep(path: string, entry: Kept): void {
    forget(path);
    kept.set(path, entry);
    bytes += entry.names.bytes;
    for (const oldest of kept.keys()) {
      if (bytes <= KEPT_BYTES || oldest === path) break;
      forget(oldest);
    }
  }

  async function read(path: string): Promise<SortedNames> {
    const state = stateOf(path);
    if (state === null) return NOTHING;
    const found = kept.get(path);
    if (found !== undefined && found.state === state.text) {
      // The one used last goes last.
      kept.delete(path);
      kept.set(path, found);
      return found.names;
    }
    // Two that ask in the same moment share one reading; one that asks after a change does not.
    const job = `${state.text} ${path}`;
    const running = reading.get(job);
    if (running !== undefined && state.settled) return running;
    const work = readSorted(path).then(names => {
      if (isPacked(names) && state.settled && stateOf(path)?.text === state.text)
        keep(path, { state: state.text, names });
      return names;
    });
    reading.set(job, work);
    try {
      return await work;
    } finally {
      if (reading.get(job) === work) reading.delete(job);
    }
  }

  return { read };
}

/** Changes when a name comes or goes. `settled`: any change from now on would show. */
function stateOf(path: string): { readonly text: string; readonly settled: boolean } | null {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats?.isDirectory() !== true) return null;
  return { text: `${String(stats.ino)} ${String(stats.mtimeNs)}`, settled: isSettled(stats) };
}

const NOTHING = sortedNames([]);

function isPacked(names: SortedNames | PackedNames): names is PackedNames {
  return 'bytes' in names;
}

async function readSorted(path: string): Promise<SortedNames> {
  const runs: PackedNames[] = [];
  let run: string[] = [];
  for await (const names of readRuns(path)) {
    if (run.length > 0) runs.push(packNames(run));
    run = names.sort(compareKeys);
  }
  if (runs.length === 0 && run.length < KEPT_FROM) return sortedNames(run);
  return await mergeNames([...runs, packNames(run)]);
}

async function* readRuns(path: string): AsyncGenerator<string[]> {
  const folder = openFolder(path);
  if (folder === null) return;
  try {
    let run: string[] = [];
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      const name = sortName(path, entry);
      if (name !== null) run.push(name);
      if (run.length < RUN) continue;
      yield run;
      run = [];
      await turn();
    }
    yield run;
  } finally {
    folder.closeSync();
  }
}

function openFolder(path: string): Dir | null {
  try {
    return opendirSync(path, { bufferSize: 1024 });
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return null;
    throw thrown;
  }
}

/** Null for links, FIFOs and devices: they are no objects. */
function sortName(path: string, entry: Dirent): string | null {
  if (entry.isFile()) return entry.name;
  if (entry.isDirectory()) return `${entry.name}/`;
  if (entry.isSymbolicLink() || entry.isFIFO() || entry.isSocket()) return null;
  if (entry.isBlockDevice() || entry.isCharacterDevice()) return null;
  // Some file systems do not say the kind in a folder.
  const stats = lstatSync(join(path, entry.name), { throwIfNoEntry: false });
  if (stats?.isFile() === true) return entry.name;
  return stats?.isDirectory() === true ? `${entry.name}/` : null;
}
