import type { FileBody } from '../store/port.js';

/** One thing that a container left below an output folder, wherever the bytes are read from. */
export interface OutputEntry {
  /** Relative to the output folder; never empty, no `..`, no slash at the end. */
  readonly path: string;
  /**
   * `hard-link`: a second name of a file that came before; only tar streams have it.
   * `other`: a socket, device or FIFO; it has no content and no place in an artifact.
   * `unnamable`: whatever bears a name that is not UTF-8, which neither a tar written here nor an object's key can hold.
   */
  readonly kind: 'file' | 'folder' | 'link' | 'hard-link' | 'other' | 'unnamable';
  /** Permission bits. */
  readonly mode: number;
  /** Epoch seconds. */
  readonly mtime: number;
  /** Bytes; 0 for all but files. */
  readonly size: number;
  /** Target of a link, as it stands in it; of a hard link, the path of the file that came before. */
  readonly target?: string;
  /** Of a file in a folder of this machine: changes with its content. */
  readonly stamp?: string;
  /** Content of a file. To be read before the next entry is asked for, or not at all. */
  body(): AsyncIterable<Uint8Array>;
  /** The same content at once, and as a file, where that is cheap. */
  readonly held?: () => Uint8Array;
  readonly open?: () => Promise<FileBody & AsyncDisposable>;
}

interface Stats {
  readonly size: number | bigint;
  readonly mtimeMs: number | bigint;
  readonly ctimeMs: number | bigint;
  readonly ino: number | bigint;
}

/** Identity, size and times of change of a file. The container can set one of the times back, but not the other. */
export function stampOf(stats: Stats): string {
  return `${stampOfContent(stats)}:${stats.ctimeMs}`;
}

/** Stays when nothing but the owner or the mode changes. */
export function stampOfContent({ ino, size, mtimeMs }: Omit<Stats, 'ctimeMs'>): string {
  return `${ino}:${size}:${mtimeMs}`;
}

/** Is a file still what was noted of it, as a whole or of its content only? */
export function isAsNoted(noted: string | undefined, stamp: string | undefined): boolean {
  return noted !== undefined && (stamp === noted || stamp?.startsWith(`${noted}:`) === true);
}

/** What a host left behind, readable after its container has ended. */
export interface HostOutputs {
  /** Everything below a folder of the container; nothing when it is missing or is not a folder. Links are never followed. */
  entries(folder: string): AsyncIterable<OutputEntry>;
  /** Whether the folder is there and can be seen: then what is not in it is gone. */
  isFolder(folder: string): Promise<boolean>;
  /** The first bytes of a plain file; null when it is missing, empty, or not a plain file. */
  start(file: string, maxBytes: number): Promise<Buffer | null>;
}
