/** Gzip on the way (contract §1.6): members that follow one another are one text, as for `gzip -dc`. */
import { createGunzip, type Gunzip, type ZlibOptions } from 'node:zlib';
import { OptmlError } from '../errors.js';

/** With Node's 16 KiB it takes twice as long. So much again may lie ready, so that it goes on while the reader is busy. */
const CHUNK = 512 * 1024;
const OPTIONS: ZlibOptions & { readonly highWaterMark: number } = {
  chunkSize: CHUNK,
  highWaterMark: 2 * CHUNK,
};

/**
 * Each piece is for use until the next one is asked for, as those that it gets. Throws OBJECT_UNREADABLE when it is no gzip, or
 * ends too early.
 */
export async function* unpacked(
  pieces: AsyncIterable<readonly Uint8Array[]>,
  uri: string,
): AsyncGenerator<readonly Uint8Array[]> {
  const unzip = createGunzip(OPTIONS);
  let lost: { readonly thrown: unknown } | undefined;
  const filling = fill(unzip, pieces).catch((thrown: unknown) => {
    lost = { thrown };
    unzip.destroy();
  });
  try {
    for await (const chunk of unzip as AsyncIterable<Buffer>) yield [chunk];
    await filling;
  } catch (thrown) {
    if (lost !== undefined) throw lost.thrown;
    throw new OptmlError(
      'OBJECT_UNREADABLE',
      `${uri} cannot be unpacked (${(thrown as Error).message}): expected gzip data, as CompressionType Gzip says of its channel; send it as gzip, or take CompressionType out.`,
    );
  } finally {
    unzip.destroy();
  }
  if (lost !== undefined) throw lost.thrown;
}

/** Returns early when the unpacking has ended by itself. Throws what the pieces throw. */
async function fill(unzip: Gunzip, pieces: AsyncIterable<readonly Uint8Array[]>): Promise<void> {
  let goOn = (): void => undefined;
  unzip.once('close', () => goOn());
  for await (const piece of pieces)
    for (const chunk of piece) {
      // The piece is another's again as soon as the next one is asked for: it must have been read.
      await new Promise<void>(resolve => {
        goOn = resolve;
        unzip.write(chunk, () => resolve());
      });
      if (unzip.destroyed) return;
    }
  unzip.end();
}
