/** Gzip on the way (contract §1.6): members that follow one another are one text, as for `gzip -dc`. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { OptmlError } from '../errors.js';

/** With the default of 16 KiB it takes twice as long. */
const CHUNK = 512 * 1024;

/** Throws OBJECT_UNREADABLE when it is no gzip, or ends too early. */
export async function* unpacked(
  pieces: AsyncIterable<readonly Uint8Array[]>,
  uri: string,
): AsyncGenerator<readonly Uint8Array[]> {
  const source = new Source(pieces);
  const unzip = createGunzip({ chunkSize: CHUNK });
  const flow = pipeline(Readable.from(source.chunks(), { objectMode: false, highWaterMark: CHUNK }), unzip);
  flow.catch(() => undefined);
  try {
    for await (const chunk of unzip as AsyncIterable<Buffer>) yield [chunk];
    await flow;
  } catch (thrown) {
    if (source.failure !== undefined) throw source.failure.thrown;
    throw new OptmlError(
      'OBJECT_UNREADABLE',
      `${uri} cannot be unpacked (${(thrown as Error).message}): expected gzip data, as CompressionType Gzip says of its channel; send it as gzip, or take CompressionType out.`,
    );
  } finally {
    unzip.destroy();
  }
}

/** Tells an error of the source from one of the unpacking. */
class Source {
  failure: { readonly thrown: unknown } | undefined;
  readonly #pieces: AsyncIterable<readonly Uint8Array[]>;

  constructor(pieces: AsyncIterable<readonly Uint8Array[]>) {
    this.#pieces = pieces;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of this.#pieces) yield* piece;
    } catch (thrown) {
      this.failure = { thrown };
      throw thrown;
    }
  }
}
