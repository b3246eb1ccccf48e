/** The few forms of DER that a certificate is made of: https://www.itu.int/rec/T-REC-X.690. */

/** Tag, length, content. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

export function sequence(...items: readonly Uint8Array[]): Buffer {
  return der(0x30, ...items);
}

export function set(...items: readonly Uint8Array[]): Buffer {
  return der(0x31, ...items);
}

/** Not negative; big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  return der(0x02, ...((bytes[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : []), bytes);
}

export const TRUE = der(0x01, Buffer.from([0xff]));

export function octets(content: Uint8Array): Buffer {
  return der(0x04, content);
}

/** `unused`: bits at the end of the last byte that do not count. */
export function bits(content: Uint8Array, unused = 0): Buffer {
  return der(0x03, Buffer.from([unused]), content);
}

export function utf8(text: string): Buffer {
  return der(0x0c, Buffer.from(text));
}

/** `1.2.840.10045.2.1` */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** Whole seconds, as X.509 wants them: two digits of the year before 2050, else four. */
export function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replaceAll(/[-:T]|\..*/g, '') + 'Z';
  return text < '2050' ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    digits.unshift((rest % 128) + 128);
  return digits;
}

function lengthOf(length: number): Buffer {
  if (length < 128) return Buffer.from([length]);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.from([0x80 + digits.length, ...digits]);
}
