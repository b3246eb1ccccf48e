/** The texts of FailureReason (contract §1.10). Pure. */

/** Limit of the member in AWS's model. */
const MAX_CHARACTERS = 1024;

/** The engine port's `HostExit`, said again: neither room may import the other; the compiler compares them in `run`. */
export interface HostExit {
  readonly code: number;
  readonly outOfMemory: boolean;
}

/** Null when the exit means success: exit status 0, whatever lies in `/opt/ml/output/failure`. */
export function reasonOfExit(exit: HostExit, failureFile: string | null): string | null {
  if (exit.code === 0) return null;
  // A child that ran out of memory can leave the main process alive: only both together say that the job did (contract §1.10).
  if (exit.outOfMemory && failureFile === null)
    return 'ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an instance.';
  // UNCONFIRMED for a file with text: the suffix is inferred from the empty form.
  return cut(`AlgorithmError: ${failureFile ?? ''}, exit code: ${exit.code}`);
}

export const IMAGE_NOT_PULLED =
  'ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect.';

export const PLATFORM_FAULT = 'InternalServerError: We encountered an internal error.  Please try again.';

/** The container could not be started; `engineText` is the engine's own error. */
export function reasonOfStart(engineText: string): string {
  return cut(`ClientError: Artifact upload failed:${engineText}`);
}

/** Our words: AWS documents none (the `ClientError: …:` form is that of its upload errors). */
export function reasonOfDownload(text: string): string {
  return cut(`ClientError: Data download failed:${text}`);
}

export function reasonOfUpload(text: string): string {
  return cut(`ClientError: Artifact upload failed:${text}`);
}

function cut(text: string): string {
  const characters = Array.from(text);
  return characters.length <= MAX_CHARACTERS ? text : characters.slice(0, MAX_CHARACTERS).join('');
}
