/** The thread of `file-writer.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import type { Batch, Failures } from './file-writer.js';
import { writeFileWhole } from './write-file.js';

const views = (workerData as readonly SharedArrayBuffer[]).map(memory => new Uint8Array(memory));

parentPort?.on('message', (batch: Batch) => parentPort?.postMessage(writeAll(batch)));
parentPort?.postMessage([] satisfies Failures);

function writeAll({ memory, files, ends }: Batch): Failures {
  const bytes = views[memory];
  return files.flatMap((file, index) => {
    try {
      writeFileWhole(file, bytes === undefined ? [] : [bytes.subarray(ends[index - 1] ?? 0, ends[index])]);
      return [];
    } catch (thrown) {
      const { message, code, path } = thrown as NodeJS.ErrnoException;
      return [{ index, message, code, path }];
    }
  });
}
