/** Output entries → the tar stream of an artifact, in the platform's form (contract §1.8): plain names, folders end in `/`, owner 0. */
import { once } from 'node:events';
import { constants } from 'node:fs';
import { pack, type Header, type Pack } from 'tar-stream';
import type { OutputEntry } from './output-entry.js';

type TarHeader = Partial<Header> & Pick<Header, 'name'>;

/** Streams the tar. `onLeftOut` hears of what has no place in it. */
export async function* tarOf(
  entries: AsyncIterable<OutputEntry>,
  onLeftOut: (entry: OutputEntry) => void,
): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const filling = fill(tar, entries, onLeftOut).catch((thrown: unknown) => {
    tar.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
  });
  try {
    for await (const chunk of tar as unknown as AsyncIterable<Uint8Array>) yield chunk;
  } finally {
    tar.destroy();
    await filling;
  }
}

async function fill(
  tar: Pack,
  entries: AsyncIterable<OutputEntry>,
  onLeftOut: (entry: OutputEntry) => void,
): Promise<void> {
  for await (const entry of entries) {
    const header = headerOf(entry);
    if (header === null) onLeftOut(entry);
    else if (entry.kind === 'file') await addFile(tar, header, entry);
    else tar.entry(header);
    if (tar.destroyed) return;
  }
  tar.finalize();
}

/** A bit that is cut off before the header is written: tar-stream takes a mode of 0 for none at all and writes 644. */
const SOME_TYPE = constants.S_IFREG;

/** Null: not for an artifact. Times before 1970 have no place in a header, and become its first second. Links stay links (UNCONFIRMED), so nothing outside the folder gets in through one. */
function headerOf(entry: OutputEntry): TarHeader | null {
  const common = {
    mode: entry.mode | SOME_TYPE,
    mtime: new Date(Math.max(0, entry.mtime) * 1000),
    uid: 0,
    gid: 0,
  };
  switch (entry.kind) {
    case 'file':
      return { ...common, name: entry.path, type: 'file', size: entry.size };
    case 'folder':
      return { ...common, name: `${entry.path}/`, type: 'directory' };
    case 'link':
      return { ...common, name: entry.path, type: 'symlink', linkname: entry.target ?? '' };
    case 'hard-link':
      return { ...common, name: entry.path, type: 'link', linkname: entry.target ?? '' };
    case 'other':
    case 'unnamable':
      return null;
  }
}

async function addFile(tar: Pack, header: TarHeader, entry: OutputEntry): Promise<void> {
  const done = deferred();
  const sink = tar.entry(header, error => (error instanceof Error ? done.reject(error) : done.resolve()));
  if (entry.size === 0) {
    sink.end(null);
    return done.promise;
  }
  // The failure may come while a drain is awaited: then the drain never comes.
  done.promise.catch(() => undefined);
  for await (const chunk of entry.body()) {
    if (sink.destroyed) break;
    if (!sink.write(chunk)) await Promise.race([once(sink, 'drain'), done.promise]);
  }
  sink.end(null);
  return done.promise;
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
