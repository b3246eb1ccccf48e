/** Outputs that could not be uploaded are kept in a folder of this home: packed when only the engine can read them. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzip } from './gzip.js';
import type { HostOutputs } from './output-entry.js';
import { tarOf } from './tarball.js';

/** Writes `<name>.tar.gz` into `folder`, which exists; gives its path, or null when there was nothing. */
export async function packIntoFolder(
  outputs: HostOutputs,
  { from, name, folder }: { from: string; name: string; folder: string },
): Promise<string | null> {
  const iterator = outputs.entries(from)[Symbol.asyncIterator]();
  const first = await iterator.next();
  await iterator.return?.(undefined);
  if (first.done === true) return null;
  const path = join(folder, `${name}.tar.gz`);
  try {
    // What is there already is of a process that died over it.
    await using file = await open(path, 'w', 0o600);
    for await (const chunk of gzip(tarOf(outputs.entries(from), () => undefined)))
      // Unlike `write`, it goes on after a part of the chunk.
      await file.appendFile(chunk);
  } catch (thrown) {
    await rm(path, { force: true });
    throw thrown;
  }
  return path;
}
