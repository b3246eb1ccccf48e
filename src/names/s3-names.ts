/**
 * The names under which Amazon S3 is called, in every region: https://docs.aws.amazon.com/general/latest/gr/s3.html. Access
 * points, S3 Express and S3 Control have others, which are not here.
 */

const REGION = '[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]+';

/**
 * `s3.amazonaws.com`, `s3.REGION.amazonaws.com`, the old `s3-REGION`, dual-stack and FIPS ones, China's; with anything before
 * them, which is the bucket. The source of a regular expression for names in lower case.
 */
export const S3_NAMES = `^(?:.+\\.)?${service()}$`;

const BUCKET = new RegExp(`^(?:(?<bucket>.+)\\.)?${service()}$`, 'i');

/** The bucket that a name says, as it is written; null where it names S3 itself. Undefined: it is none of S3's. */
export function bucketOfS3Name(host: string): string | null | undefined {
  const found = BUCKET.exec(host);
  return found === null ? undefined : (found.groups?.['bucket'] ?? null);
}

function service(): string {
  const dual = `s3(?:-fips)?\\.dualstack\\.${REGION}`;
  return `(?:s3|s3-external-1|s3-accelerate|s3(?:-fips)?[.-]${REGION}|${dual}|s3-accelerate\\.dualstack)\\.amazonaws\\.com(?:\\.cn)?`;
}
