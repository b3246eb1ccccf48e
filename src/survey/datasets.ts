/** Results of Athena's and Redshift's queries by `--map-dataset NAME=./folder`: a folder of this machine stands for each. */
import { resolve } from 'node:path';
import { OptmlError } from '../errors.js';
import type { Job } from '../job/job.js';
import { realFolder } from './file-systems.js';

export interface DatasetMap {
  /** The InputName. */
  readonly name: string;
  /** Absolute; no link. */
  readonly folder: string;
}

/** What a store takes for the objects below a prefix. */
export interface DatasetFolder {
  readonly bucket: string;
  /** Without a slash at its end. */
  readonly prefix: string;
  readonly target: string;
  readonly kind: 'folder';
}

/** Reads `NAME=path`; a relative path is taken from `workingFolder`. A name may have `=` itself. Throws USAGE. */
export function parseDatasetMap(text: string, workingFolder: string): DatasetMap {
  for (let at = text.indexOf('=', 1); at !== -1; at = text.indexOf('=', at + 1)) {
    const folder = at + 1 === text.length ? null : realFolder(resolve(workingFolder, text.slice(at + 1)));
    if (folder !== null) return { name: text.slice(0, at), folder };
  }
  throw new OptmlError(
    'USAGE',
    /.=./s.test(text)
      ? `The map "${text}" leads nowhere: expected a folder of this machine behind the =; make it, or mend the path.`
      : `"${text}" is no map of a dataset: expected InputName=./folder.`,
  );
}

/** Of each input that is a query's result. Throws REQUEST_REFUSED for one without a map. */
export function foldersOfDatasets(job: Job, maps: readonly DatasetMap[]): DatasetFolder[] {
  if (job.kind !== 'processing') return [];
  return job.channels.flatMap(({ name, dataset, location }) => {
    if (!dataset) return [];
    // A later flag goes before an earlier one.
    const map = maps.findLast(one => one.name === name);
    if (map === undefined)
      throw new OptmlError(
        'REQUEST_REFUSED',
        `The input "${name}" is the result of a query, which optml cannot ask Athena or Redshift: let a folder stand for it with --map-dataset ${name}=./folder.`,
      );
    const prefix = location.key.replace(/\/$/, '');
    return [{ bucket: location.bucket, prefix, target: map.folder, kind: 'folder' }];
  });
}
