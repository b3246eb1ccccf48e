/**
 * Which files of a folder a container is writing: those that one of its processes has open for it. Only root sees that, on the
 * machine of the engine; who sees nothing takes all files for closed.
 */
import { readdir, readFile, stat } from 'node:fs/promises';

/** Device and inode: the same in every mount of a file. */
export function fileId({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

/** Of these files, those that are open for writing in a process that finds the folder `root` at `place`, as only the container does. */
export async function filesBeingWritten(
  root: string,
  place: string,
  files: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const written = new Set<string>();
  const wanted = await idAt(root);
  for (const process of await namesIn('/proc')) {
    if (!/^\d+$/.test(process) || (await idAt(`/proc/${process}/root${place}`)) !== wanted) continue;
    for (const descriptor of await namesIn(`/proc/${process}/fd`)) {
      const id = await idAt(`/proc/${process}/fd/${descriptor}`);
      if (id === null || !files.has(id) || written.has(id)) continue;
      if (await isForWriting(`/proc/${process}/fdinfo/${descriptor}`)) written.add(id);
    }
  }
  return written;
}

/** Processes end and descriptors are closed while this looks. */
async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

async function idAt(path: string): Promise<string | null> {
  return stat(path).then(fileId, () => null);
}

async function isForWriting(information: string): Promise<boolean> {
  const text = await readFile(information, 'utf8').catch(() => '');
  const flags = /^flags:\s*([0-7]+)$/m.exec(text)?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & 0o3) !== 0;
}
