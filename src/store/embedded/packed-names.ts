/** Many sorted names in little memory. */

import { setImmediate as turn } from 'node:timers/promises';
import { compareKeys } from '../key-order.js';

/** Names in UTF-8 byte order. */
export interface SortedNames {
  readonly count: number;
  at(index: number): string;
  /** The first index whose name is not before `name`. */
  lowerBound(name: string): number;
}

export function sortedNames(names: readonly string[]): SortedNames {
  const at = (index: number): string => names[index] ?? '';
  return { count: names.length, at, lowerBound: name => lowerBound(names.length, at, name) };
}

/** A million names of twenty letters take 24 MB so; as strings they would take four times that. */
export interface PackedNames extends SortedNames {
  readonly bytes: number;
}

export function packNames(names: readonly string[]): PackedNames {
  const ends = new Uint32Array(names.length);
  let end = 0;
  for (const [index, name] of names.entries()) ends[index] = end += Buffer.byteLength(name);
  return packed(Buffer.from(names.join('')), ends);
}

function packed(text: Buffer, ends: Uint32Array): PackedNames {
  const at = (index: number): string => text.toString('utf8', index === 0 ? 0 : ends[index - 1], ends[index]);
  return {
    count: ends.length,
    bytes: text.length + ends.byteLength,
    at,
    lowerBound: name => lowerBound(ends.length, at, name),
  };
}

function lowerBound(count: number, at: (index: number) => string, name: string): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(at(middle), name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** After so many names the event loop gets its turn. */
const NAMES_A_TURN = 8_192;

interface Head {
  name: string;
  index: number;
  readonly run: PackedNames;
}

/** Merges sorted runs; only the first name of each is a string meanwhile. */
export async function mergeNames(runs: readonly PackedNames[]): Promise<PackedNames> {
  const bytes = runs.reduce((sum, run) => sum + run.bytes - run.count * 4, 0);
  const text = Buffer.allocUnsafeSlow(bytes);
  const ends = new Uint32Array(runs.reduce((sum, run) => sum + run.count, 0));
  const heap: Head[] = [];
  for (const run of runs) if (run.count > 0) heap.push({ name: run.at(0), index: 0, run });
  for (let at = heap.length >> 1; at >= 0; at--) sink(heap, at);
  let end = 0;
  for (let filled = 0; filled < ends.length; filled++) {
    const least = heap[0];
    if (least === undefined) break;
    end += text.write(least.name, end);
    ends[filled] = end;
    if (++least.index < least.run.count) least.name = least.run.at(least.index);
    else {
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) heap[0] = last;
    }
    sink(heap, 0);
    if (filled % NAMES_A_TURN === 0) await turn();
  }
  return packed(text, ends);
}

/** Puts the head at `start` where no smaller one is below it. */
function sink(heap: Head[], start: number): void {
  for (let at = start; ;) {
    const head = heap[at];
    let child = 2 * at + 1;
    let below = heap[child];
    const other = heap[child + 1];
    if (head === undefined || below === undefined) return;
    if (other !== undefined && compareKeys(other.name, below.name) < 0) {
      child++;
      below = other;
    }
    if (compareKeys(head.name, below.name) <= 0) return;
    heap[at] = below;
    heap[child] = head;
    at = child;
  }
}
