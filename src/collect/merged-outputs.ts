/** What several hosts left, as one: the merge of their folders in the order of the hosts (contract §1.8). */
import type { HostOutputs } from './output-entry.js';

export interface HostSource {
  readonly host: string;
  readonly outputs: Pick<HostOutputs, 'entries'>;
}

/**
 * Where two hosts wrote one path, the first host's stands; folders become one. What finds its path taken goes to `onClash`,
 * also what lies below a path that is no folder for an earlier host: else a link of one host would lead the other's files away.
 */
export function mergedOutputs(
  sources: readonly HostSource[],
  onClash: (host: string, path: string) => void,
): Pick<HostOutputs, 'entries'> {
  return {
    async *entries(folder) {
      /** Path → whether it is a folder, of the hosts before. */
      const taken = new Map<string, boolean>();
      for (const { host, outputs } of sources) {
        const own = new Map<string, boolean>();
        const aside = new Set<string>();
        for await (const entry of outputs.entries(folder)) {
          const isFolder = entry.kind === 'folder';
          if (isFolder && taken.get(entry.path) === true) continue;
          if (isTaken(taken, entry.path) || (entry.kind === 'hard-link' && aside.has(entry.target ?? ''))) {
            aside.add(entry.path);
            onClash(host, entry.path);
            continue;
          }
          // One host has no others to think of, and the last none after it.
          if (host !== sources.at(-1)?.host) own.set(entry.path, isFolder);
          yield entry;
        }
        for (const [path, isFolder] of own) taken.set(path, isFolder);
      }
    },
  };
}

/** By an earlier host's entry of the same path, or by one above it that is no folder. */
function isTaken(taken: ReadonlyMap<string, boolean>, path: string): boolean {
  if (taken.size === 0) return false;
  if (taken.has(path)) return true;
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1))
    if (taken.get(path.slice(0, at)) === false) return true;
  return false;
}
