/**
 * Every way in which optml says no. One class, a closed set of codes; the texts are not the contract, the codes are.
 *
 * A message is one sentence: the value that was wrong, what was expected, and the way out.
 */

/** `exit` is the exit status when the job has not started (design §2); `aws` is the error type that an AWS client reads. */
const CODES = {
  /** The command line or a setting is wrong. */
  USAGE: { exit: 2, aws: 'ValidationException' },
  /** The file is missing, is not JSON or YAML, or its job kind cannot be told. */
  REQUEST_UNREADABLE: { exit: 2, aws: 'SerializationException' },
  /** A value breaks a limit of AWS's model or a rule between members; the text is AWS's own. */
  REQUEST_INVALID: { exit: 2, aws: 'ValidationException' },
  /** AWS takes this, optml does not: the message names the member and the reason. */
  REQUEST_REFUSED: { exit: 2, aws: 'ValidationException' },
  /** A job of this name is running (or, on the AWS face, was ever created). */
  JOB_NAME_IN_USE: { exit: 2, aws: 'ResourceInUse' },
  /** No job of this name in this home. */
  JOB_NOT_FOUND: { exit: 2, aws: 'ValidationException' },
  /** The job has ended already: it cannot be stopped. */
  JOB_ENDED: { exit: 2, aws: 'ValidationException' },
  /** No Docker engine answers. */
  ENGINE_UNREACHABLE: { exit: 3, aws: 'InternalServerError' },
  /** The engine answers but cannot do what the job needs. */
  ENGINE_UNFIT: { exit: 3, aws: 'InternalServerError' },
  /** The store does not answer, or answered with a server error until the retries were used up. */
  STORE_UNREACHABLE: { exit: 3, aws: 'InternalServerError' },
  /** The store refused the credentials, or there are none. */
  STORE_DENIED: { exit: 3, aws: 'AccessDeniedException' },
  /** The bucket does not exist in the store. */
  BUCKET_MISSING: { exit: 2, aws: 'ValidationException' },
  /** An object that was listed is gone or has changed; the message has its URI. */
  OBJECT_CHANGED: { exit: 1, aws: 'ClientError' },
  /** A manifest is not what a manifest has to be; the message has its URI, and the line. */
  MANIFEST_INVALID: { exit: 1, aws: 'ClientError' },
  /** Two objects want one path, or a key does not fit into a folder; the message has the URI. */
  OBJECT_UNPLACEABLE: { exit: 1, aws: 'ClientError' },
  /** An object is not what its channel says: no gzip, cut short … The message has the URI. */
  OBJECT_UNREADABLE: { exit: 1, aws: 'ClientError' },
  /** The image cannot be had, or its platform is not the instance's. */
  IMAGE_UNAVAILABLE: { exit: 1, aws: 'ClientError' },
  /** The engine could not start the container: bad entrypoint, missing command … */
  CONTAINER_UNSTARTABLE: { exit: 1, aws: 'ClientError' },
  /** Somebody else removed the container of a running job. */
  CONTAINER_LOST: { exit: 1, aws: 'InternalServerError' },
  /** The disk is full. */
  DISK_FULL: { exit: 3, aws: 'ClientError' },
  /** A folder or file cannot be used: rights, a file where a folder should be … */
  FILE_UNUSABLE: { exit: 3, aws: 'InternalServerError' },
  /** A fault of optml itself. */
  INTERNAL: { exit: 1, aws: 'InternalServerError' },
} as const;

export type ErrorCode = keyof typeof CODES;

export class OptmlError extends Error {
  override readonly name = 'OptmlError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Exit status of `optml run` when this happens before the job has started. */
  get exitStatus(): 1 | 2 | 3 {
    return CODES[this.code].exit;
  }

  /** The `__type` that an AWS client would read. */
  get awsType(): string {
    return CODES[this.code].aws;
  }
}

/** Turns whatever was thrown into an OptmlError; a full disk gets its own code wherever it shows. */
export function asOptmlError(thrown: unknown): OptmlError {
  if (thrown instanceof OptmlError) return thrown;
  const { code, path, message } = describeThrown(thrown);
  const where = path === undefined ? '' : ` at ${path}`;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new OptmlError(
      'DISK_FULL',
      `No space is left on the disk${where}: free some, or point --home at another disk.`,
      {
        cause: thrown,
      },
    );
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EISDIR')
    return new OptmlError(
      'FILE_UNUSABLE',
      `This file or folder cannot be used${where} (${code}): check its rights and kind.`,
      {
        cause: thrown,
      },
    );
  if (code === 'ENAMETOOLONG')
    return new OptmlError(
      'FILE_UNUSABLE',
      `A path is longer than this machine takes${where}: use shorter names, or folders that are not nested so deep.`,
      { cause: thrown },
    );
  return new OptmlError('INTERNAL', `Something went wrong inside optml: ${message}. Please report it.`, {
    cause: thrown,
  });
}

/** The system error code of whatever was thrown, as `ENOENT`; undefined where there is none. */
export function systemCode(thrown: unknown): string | undefined {
  return describeThrown(thrown).code;
}

function describeThrown(thrown: unknown): { code?: string; path?: string; message: string } {
  if (!(thrown instanceof Error)) return { message: String(thrown) };
  const { code, path } = thrown as NodeJS.ErrnoException;
  const named = typeof path === 'string' && path !== '';
  return {
    message: named ? thrown.message.replaceAll(path, shortened(path)) : thrown.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(named ? { path: shortened(path) } : {}),
  };
}

const MAX_PATH = 200;

/** A path may have 4,096 characters, and more in a tree: its start says where it is, its end what it is. */
function shortened(path: string): string {
  const half = MAX_PATH / 2 - 1;
  return path.length <= MAX_PATH ? path : `${path.slice(0, half)}…${path.slice(-half)}`;
}
