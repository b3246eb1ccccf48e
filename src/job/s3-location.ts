/** A place in S3: a bucket and a key or key prefix, which may be empty. */
export interface S3Location {
  readonly bucket: string;
  readonly key: string;
}
