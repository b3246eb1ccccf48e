/**
 * The files that SageMaker leaves beside a checkpoint, by which frameworks know what may be deleted: `<f>.sagemaker-uploading`
 * while it is sent, `<f>.sagemaker-uploaded` from then on. Neither is ever uploaded, nor is `*.sagemaker-ignore` (contract §1.9).
 */
import { constants } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { within } from './open-beneath.js';

const UPLOADING = '.sagemaker-uploading';
const UPLOADED = '.sagemaker-uploaded';
const NEVER_SENT = [UPLOADING, UPLOADED, '.sagemaker-ignore'];

/** Whether a file of the checkpoint folder goes to the store. */
export function isCheckpoint(path: string): boolean {
  return !NEVER_SENT.some(suffix => path.endsWith(suffix));
}

/** A file of a folder that is held open. Where a mark cannot be, it is not: that is no error. */
export interface Marked {
  readonly folder: FileHandle;
  readonly name: string;
  /** It was sent before, and has a mark of that. */
  readonly isMarked: boolean;
}

/** `send` tells whether the file was sent. */
export async function underMarks(file: Marked, send: () => Promise<boolean>): Promise<void> {
  const path = pathOf(file);
  if (file.isMarked) await attempt(unlink(path + UPLOADED));
  await attempt(touch(path + UPLOADING));
  let sent = false;
  try {
    sent = await send();
  } finally {
    // What the container has put in its place is replaced, not followed.
    await attempt(sent ? rename(path + UPLOADING, path + UPLOADED) : unlink(path + UPLOADING));
  }
}

export async function removeMarks(file: Marked): Promise<void> {
  if (file.isMarked) await attempt(unlink(pathOf(file) + UPLOADED));
}

function pathOf({ folder, name }: Marked): string {
  return `${within(folder)}/${name}`;
}

async function touch(path: string): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  await (await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)).close();
}

async function attempt(act: Promise<unknown>): Promise<void> {
  await act.catch(() => undefined);
}
