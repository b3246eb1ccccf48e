/** Outputs that only the engine can read: its archive API sends a folder of an ended container as a tar stream. */
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import type { HostOutputs, OutputEntry } from './output-entry.js';

/** `archive` gives the tar stream of one path, whose members begin with the path's last part; null when it is missing. */
export function archiveOutputs(archive: (containerPath: string) => Promise<Readable | null>): HostOutputs {
  return {
    async *entries(folder) {
      const stream = await archive(folder);
      if (stream === null) return;
      let isFolder = false;
      for await (const entry of membersOf(stream)) {
        const path = withoutFirst(entry.path);
        // The first member is the path itself: a link or a file in its place is not followed.
        if (path === '') isFolder = entry.kind === 'folder';
        else if (isFolder)
          yield {
            ...entry,
            path,
            ...(entry.kind === 'hard-link' ? { target: withoutFirst(entry.target) } : {}),
          };
      }
    },
    async isFolder(folder) {
      const stream = await archive(folder);
      if (stream === null) return false;
      for await (const { path, kind } of membersOf(stream)) return !path.includes('/') && kind === 'folder';
      return false;
    },
    async start(file, maxBytes) {
      const stream = await archive(file);
      if (stream === null) return null;
      for await (const entry of membersOf(stream)) {
        if (entry.kind !== 'file' || entry.size === 0) return null;
        const chunks: Uint8Array[] = [];
        let bytes = 0;
        for await (const chunk of entry.body()) {
          if (bytes < maxBytes) chunks.push(chunk);
          bytes += chunk.length;
        }
        return Buffer.concat(chunks).subarray(0, maxBytes);
      }
      return null;
    },
  };
}

async function* membersOf(stream: Readable): AsyncGenerator<OutputEntry> {
  const tar = extract();
  // What the stream throws must reach the reader, not the process.
  stream.on('error', error => tar.destroy(error));
  stream.pipe(tar);
  try {
    for await (const member of tar) {
      const { name, type, mode, mtime, size, linkname } = member.header;
      yield {
        path: name.replace(/\/+$/, ''),
        // The sign that stands for bytes that are no text.
        kind: name.includes('\ufffd') ? 'unnamable' : (KINDS[type] ?? 'other'),
        mode: mode & 0o7777,
        mtime: Math.floor(mtime.getTime() / 1000),
        size,
        ...(type === 'symlink' || type === 'link' ? { target: linkname } : {}),
        body: () => member as AsyncIterable<Uint8Array>,
      };
      // What the reader left of it; nothing when it has read it.
      member.resume();
    }
  } finally {
    stream.destroy();
  }
}

function withoutFirst(path = ''): string {
  return path.split('/').slice(1).join('/');
}

const KINDS: Record<string, OutputEntry['kind']> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'folder',
  symlink: 'link',
  link: 'hard-link',
};
