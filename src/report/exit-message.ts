/** ExitMessage: what the containers of a processing job left in `/opt/ml/output/message` (contract §2.8). Pure. */

/** "Up to 1 KB". */
const MAX_BYTES = 1024;

/** So many bytes of each host's file tell the message, and whether a character was cut by the limit or by the container. */
export const EXIT_MESSAGE_BYTES = MAX_BYTES + 1;

/** The starts of the hosts' files, concatenated, then cut; `null` when that is not UTF-8, which fails the job. */
export function exitMessageOf(starts: readonly Uint8Array[]): string | null {
  const all = Buffer.concat(starts);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    // With `stream`, a character that the limit has cut is left out.
    return decoder.decode(all.subarray(0, MAX_BYTES), { stream: all.length > MAX_BYTES });
  } catch {
    return null;
  }
}

/** The service's own words are not known, only that it is a ClientError. */
export const EXIT_MESSAGE_NOT_UTF8 = 'ClientError: The exit message in /opt/ml/output/message is not UTF-8.';
