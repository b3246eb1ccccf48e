/** The embedded store as an S3 server. */

import { createFolderNames } from '../embedded/folder-names.js';
import { createKeptRecords } from '../embedded/kept-records.js';
import { createAuthentication } from './authenticate.js';
import type { CallerKeys } from './caller.js';
import type { Context, ServedStore } from './context.js';
import { LIMITS, type S3ServerLimits } from './http-options.js';
import { createHttpShell, type HttpShell, type HttpShellOptions } from './http-shell.js';
import { OPERATIONS } from './operations.js';
import { readRequest, type ServedHost } from './request.js';
import { route } from './routes.js';
import { screen } from './screen.js';

export interface S3ServerOptions {
  /** The folder of the embedded store. */
  readonly root: string;
  readonly keys: CallerKeys;
  readonly region: string;
  /**
   * Names by which the server is called; `bucket.NAME` is a bucket. Addresses need no name. Any other host is refused.
   */
  readonly hosts: readonly ServedHost[];
  /** Answers what is not S3's, and says that it has. */
  readonly answersFirst?: HttpShellOptions['answersFirst'];
  readonly limits?: Partial<S3ServerLimits>;
  /** Told of faults of the server itself; clients read `InternalError`. */
  readonly onFault?: (fault: unknown) => void;
}

export type S3Server = HttpShell;

export function createS3Server({
  root,
  keys,
  region,
  hosts,
  answersFirst,
  limits,
  onFault,
}: S3ServerOptions): S3Server {
  const { idleMs } = { ...LIMITS, ...limits };
  const store: ServedStore = {
    root,
    region,
    names: createFolderNames(),
    readRecord: createKeptRecords(),
    idleMs,
  };
  const authenticate = createAuthentication(keys);
  return createHttpShell({
    answersFirst,
    limits,
    onFault,
    /** The way of every request. */
    async answerTo(message, proceed) {
      const request = readRequest(message, hosts);
      const now = Date.now();
      const caller = authenticate(request, now);
      const operation = route(request);
      const context: Context = { operation, request, caller, store, now };
      screen(context);
      proceed();
      return await OPERATIONS[operation](context);
    },
  });
}
