/** Reads a request file, or stdin for `-`. */
import { readFile } from 'node:fs/promises';
import { OptmlError, systemCode } from '../../errors.js';
import { kindOfRequest } from '../../job/kind.js';
import { readRequestDocument } from '../../job/request-document.js';
import type { KindedRequest } from '../../job/job.js';

/** A request is small: what is larger is some other file. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Throws REQUEST_UNREADABLE, and REQUEST_REFUSED for kinds of job that are not built. */
export async function readRequestFile(file: string): Promise<KindedRequest> {
  const request = readRequestDocument(await readText(file), file);
  return { kind: kindOfRequest(request, file), request };
}

async function readText(file: string): Promise<string> {
  if (file === '-') return readStandardInput();
  try {
    const content = await readFile(file);
    if (content.length > MAX_BYTES) throw tooLarge(file, content.length);
    return content.toString('utf8');
  } catch (thrown) {
    if (thrown instanceof OptmlError) throw thrown;
    const why = WHY[systemCode(thrown) ?? ''] ?? (thrown as Error).message;
    throw new OptmlError('REQUEST_UNREADABLE', `The request file "${file}" ${why}.`, { cause: thrown });
  }
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw tooLarge('-', bytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(file: string, bytes: number): OptmlError {
  return new OptmlError(
    'REQUEST_UNREADABLE',
    `"${file}" is no request: it has ${bytes} bytes or more, but a request has at most ${MAX_BYTES}.`,
  );
}

const WHY: Record<string, string> = {
  ENOENT: 'does not exist: check the path',
  EACCES: 'may not be read by this user: check its rights',
  EISDIR: 'is a folder: name a file in it',
};
