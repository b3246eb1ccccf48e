/**
 * The files that SageMaker leaves beside a checkpoint, by which frameworks know what may be deleted: `<f>.sagemaker-uploading`
 * while it is sent, `<f>.sagemaker-uploaded` from then on. Neither is ever uploaded, nor is `*.sagemaker-ignore` (contract §1.9).
 */
import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { openBeneath, within } from './open-beneath.js';

const UPLOADING = '.sagemaker-uploading';
const UPLOADED = '.sagemaker-uploaded';
const NEVER_SENT = [UPLOADING, UPLOADED, '.sagemaker-ignore'];

/** Whether a file of the checkpoint folder goes to the store. */
export function isCheckpoint(path: string): boolean {
  return !NEVER_SENT.some(suffix => path.endsWith(suffix));
}

export interface Marks {
  uploading(): Promise<void>;
  uploaded(): Promise<void>;
  /** The upload came to nothing, or the file is gone. */
  none(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `file` is its path below `root`. A folder that is gone or full has no marks, which is no error. */
export async function marksOf({
  root,
  file,
}: {
  readonly root: string;
  readonly file: string;
}): Promise<Marks> {
  const at = file.lastIndexOf('/');
  const folder = await openBeneath(root, file.slice(0, Math.max(0, at)), 'folder').catch(() => null);
  const place = folder === null ? null : `${within(folder)}/${file.slice(at + 1)}`;
  const attempt = async (act: (path: string) => Promise<unknown>): Promise<void> => {
    if (place !== null) await act(place).catch(() => undefined);
  };
  return {
    async uploading() {
      await attempt(path => unlink(path + UPLOADED));
      await attempt(path => touch(path + UPLOADING));
    },
    // What the container has put in its place is replaced, not followed.
    uploaded: () => attempt(path => rename(path + UPLOADING, path + UPLOADED)),
    async none() {
      await attempt(path => unlink(path + UPLOADING));
      await attempt(path => unlink(path + UPLOADED));
    },
    async [Symbol.asyncDispose]() {
      await folder?.close();
    },
  };
}

async function touch(file: string): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  await (await open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)).close();
}
