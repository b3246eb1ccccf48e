/**
 * Records of objects that are read again, kept for as long as the record's own file says that nothing was changed: opening and
 * reading that file is a fifth of what a small GET costs.
 */

import { isSettled, sameStamp, stampOf, type FileStamp } from './file-stamp.js';
import { readRecordFile, recordPath, type ObjectRecord, type ReadRecord } from './object-record.js';

const KEPT_RECORDS = 8_192;
/** Larger records, of many parts or tags, are few, and are read again each time. */
const LARGEST_KEPT = 1_024n;

interface Kept {
  readonly state: FileStamp;
  readonly record: ObjectRecord;
}

/** As `readRecord`, also where other processes write. */
export function createKeptRecords(): ReadRecord {
  const kept = new Map<string, Kept>();

  function keep(path: string, entry: Kept): void {
    kept.delete(path);
    kept.set(path, entry);
    if (kept.size <= KEPT_RECORDS) return;
    const [oldest] = kept.keys();
    if (oldest !== undefined) kept.delete(oldest);
  }

  return (root, address, stamp) => {
    const path = recordPath(root, address, stamp);
    const state = stampOf(path);
    if (state === null) return null;
    const found = kept.get(path);
    if (found !== undefined && sameStamp(found.state, state)) return found.record;
    const record = readRecordFile(path);
    if (record !== null && state.size <= LARGEST_KEPT && isSettled(state)) keep(path, { state, record });
    return record;
  };
}
