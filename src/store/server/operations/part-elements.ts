/** How a checksum is named in XML. */

import { element, type Xml } from '../write-xml.js';

const NAMES: Readonly<Record<string, string>> = {
  crc32: 'ChecksumCRC32',
  crc32c: 'ChecksumCRC32C',
  crc64nvme: 'ChecksumCRC64NVME',
  sha1: 'ChecksumSHA1',
  sha256: 'ChecksumSHA256',
};

export function checksumElement({
  algorithm,
  value,
}: {
  readonly algorithm: string;
  readonly value: string;
}): Xml {
  const name = NAMES[algorithm];
  return name === undefined ? { xml: '' } : element(name, value);
}

/** The element's name for an algorithm. */
export function checksumName(algorithm: string): string {
  return NAMES[algorithm] ?? '';
}
