/** The pieces of a request's body, one after the other, with a limit on the wait for the next. */

import type { IncomingMessage } from 'node:http';
import { ClientGone, S3Error } from './s3-error.js';

/** So many bytes must come in the time of one wait, unless they are the last: else a byte now and then would hold it open forever. */
const HEADWAY = 1024;

/**
 * Hands each piece on; while a promise that was returned is pending, no more is read. Ends with the body.
 * Throws RequestTimeout, ClientGone, or what `onPiece` throws; the connection stays as it is.
 */
export function pump(
  message: IncomingMessage,
  {
    idleMs,
    onPiece,
  }: { readonly idleMs: number; readonly onPiece: (piece: Buffer) => Promise<void> | undefined },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new S3Error('RequestTimeout')), idleMs);
    let headway = 0;

    function settle(reason: Error | null): void {
      clearTimeout(timer);
      message.off('data', take).off('end', end).off('close', gone);
      message.pause();
      if (reason === null) resolve();
      else reject(reason);
    }

    function take(piece: Buffer): void {
      headway += piece.length;
      if (headway >= HEADWAY) {
        headway = 0;
        timer.refresh();
      }
      let work: Promise<void> | undefined;
      try {
        work = onPiece(piece);
      } catch (thrown) {
        settle(thrown as Error);
        return;
      }
      if (work === undefined) return;
      message.pause();
      work.then(() => {
        timer.refresh();
        message.resume();
      }, settle);
    }

    function end(): void {
      settle(null);
    }

    function gone(): void {
      settle(new ClientGone());
    }

    if (message.destroyed && !message.readableEnded) {
      gone();
      return;
    }
    // A reset connection says so as an error; `close` follows.
    message.on('error', () => undefined);
    message.on('data', take).on('end', end).on('close', gone);
    message.resume();
  });
}
