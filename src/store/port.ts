/** Where objects live. Three kinds answer this port: the embedded store, any S3-compatible server, AWS. */

/** A bucket and a key; never a raw `s3://` string behind `job/`. */
export interface ObjectAddress {
  readonly bucket: string;
  readonly key: string;
}

/** One object as a listing showed it, or as a manifest named it: then neither size nor ETag are known before it is read. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number | null;
  /** With its quotes taken off. */
  readonly etag: string | null;
}

/** One object as the store showed it. */
export interface StoredObject extends ListedObject {
  readonly size: number;
  readonly etag: string;
}

/** One object while it is read. */
export interface ObjectReading {
  /** Bytes in all. */
  readonly size: number;
  /**
   * Its bytes in order, some chunks at a time, with constant memory: what is not taken is not fetched, and what was taken may be
   * overwritten as soon as the next piece is asked for. The end is reached only when every byte has come and size and checksum agree. Who stops asking early ends the transfer.
   * Throws what `read` throws.
   */
  readonly pieces: AsyncIterable<readonly Uint8Array[]>;
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  readonly contentType?: string;
  /** Asks for SSE-KMS with this key, as `OutputDataConfig.KmsKeyId` does. */
  readonly kmsKeyId?: string;
  /** Called with the count of bytes that were handed to the store since the last call. */
  readonly onBytes?: (bytes: number) => void;
  /**
   * Called when the store begins to hold bytes that nobody sees, before it is given the first: whoever writes the upload down
   * can have it abandoned after this process was killed. What it throws ends the upload.
   */
  readonly onBegun?: (upload: UnfinishedUpload) => void;
}

/** An upload that a store holds and shows to nobody before it is complete. Plain data. */
export interface UnfinishedUpload extends ObjectAddress {
  readonly id: string;
}

/** Bytes that are held, and stay as they are until the upload has ended; a file; or a stream of unknown length. */
export type UploadBody = Uint8Array | FileBody | AsyncIterable<Uint8Array>;

/** An open file that nobody writes. */
export interface FileBody {
  /** Bytes. */
  readonly size: number;
  /** Fills the memory from this offset of the file on; gives the count of bytes, which is less only at the file's end. */
  read(into: Uint8Array, offset: number): Promise<number>;
}

export interface Store {
  /** For messages: `the embedded store in /home/me/.optml/s3`, `the store at http://127.0.0.1:9000`, `Amazon S3 (us-east-1)`. */
  readonly name: string;

  /**
   * Every object whose key starts with `prefix.key`, in UTF-8 byte order of the keys, read page by page.
   * Throws BUCKET_MISSING, STORE_UNREACHABLE, STORE_DENIED.
   */
  list(prefix: ObjectAddress, signal: AbortSignal): AsyncIterable<StoredObject>;

  /**
   * Puts one listed object into a new file. It returns when every byte has arrived and size, ETag and checksum
   * agree with the listing, or with the first answer where there was none. A cut-off body is fetched again, never used.
   * The file's folder must be there; the file has mode 0644, and none remains after a failure.
   * Throws OBJECT_CHANGED (gone, other ETag, other size), OBJECT_UNPLACEABLE (the file exists already),
   * STORE_UNREACHABLE (also for a body that stays damaged), STORE_DENIED, DISK_FULL.
   */
  download(
    object: ObjectAddress & ListedObject,
    file: string,
    options: { readonly signal: AbortSignal; readonly onBytes?: (bytes: number) => void },
  ): Promise<void>;

  /**
   * Begins to read one object, and goes on where a connection is cut off; fetching begins at once. Bytes that were given cannot
   * be taken back, so a body that proves damaged at its end is an error.
   * Throws OBJECT_CHANGED (gone, other ETag, other size), STORE_UNREACHABLE (also for a damaged body), STORE_DENIED.
   */
  read(object: ObjectAddress & ListedObject, signal: AbortSignal): Promise<ObjectReading>;

  /**
   * Makes one object, of a stream with constant memory. Nothing is visible before the end: when the
   * stream throws or the signal fires, no object and no unfinished multipart upload remain.
   * Chunks may be reused by the stream once it is asked for the next one.
   * Throws BUCKET_MISSING, STORE_UNREACHABLE, STORE_DENIED, DISK_FULL, OBJECT_UNPLACEABLE (no key for this store),
   * REQUEST_REFUSED (a mapped prefix, or a KMS key that the store cannot use), or what the stream threw.
   */
  upload(address: ObjectAddress, body: UploadBody, options: UploadOptions): Promise<void>;

  /**
   * Removes one object. One that is gone is no error.
   * Throws BUCKET_MISSING, STORE_UNREACHABLE, STORE_DENIED; REQUEST_REFUSED under a mapped prefix.
   */
  remove(address: ObjectAddress, signal: AbortSignal): Promise<void>;

  /**
   * Frees what the store holds of an upload that a process which is dead has begun. One that is complete, or gone, is no error.
   * Throws STORE_UNREACHABLE, STORE_DENIED.
   */
  abandon(upload: UnfinishedUpload, signal: AbortSignal): Promise<void>;

  /**
   * Makes sure that outputs can go to this bucket: the embedded store makes a missing one.
   * Throws BUCKET_MISSING, STORE_UNREACHABLE, STORE_DENIED; REQUEST_REFUSED under a mapped prefix, which is never written.
   */
  prepareOutput(prefix: ObjectAddress, signal: AbortSignal): Promise<void>;

  /** The file or folder of this machine in which a person finds what lies there; null for stores elsewhere. */
  locate(address: ObjectAddress): string | null;

  /** Does it answer, and does it know these credentials? Throws STORE_UNREACHABLE, STORE_DENIED, FILE_UNUSABLE. */
  check(signal: AbortSignal): Promise<void>;

  /** Ends connections. */
  close(): Promise<void>;
}

/** A way to the store for the containers of one job, with keys of the job's own. */
export interface StoreAccess {
  /** As a container calls it. */
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Answers at the same address as S3 itself does, under all of its names: once. Throws what listening throws. */
  serveNames(): Promise<StoreNames>;
  /** The keys are dead from here on. */
  close(): Promise<void>;
}

export interface StoreNames {
  readonly address: string;
  /** Of HTTPS. */
  readonly port: number;
  /** Whether the address is a nameserver that answers S3's names, so that nobody else need. */
  readonly nameserver: boolean;
  readonly certificates: Certificates;
}

/** PEM texts of authorities. */
export interface Certificates {
  /** The one that vouches for S3's names here. */
  readonly own: string;
  /** It, and those that the world trusts. */
  readonly all: string;
}
