/** Augmented manifests, read line by line (contract §1.6). */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import type { AttributeValue } from '../../src/survey/listing.js';
import {
  LARGEST_MANIFEST,
  LONGEST_LINE,
  readAugmentedManifest,
  readManifest,
} from '../../src/survey/manifest.js';
import { valueTexts } from '../../src/survey/member-texts.js';
import { scratch } from '../harness/optml.js';

const location = { bucket: 'lists', key: 'train.jsonl' };

async function read(
  text: string | Uint8Array,
  attributes: readonly string[],
): Promise<(readonly AttributeValue[])[]> {
  const file = join(await scratch('manifest'), 'copy');
  await writeFile(file, text);
  const lines = [];
  for await (const line of readAugmentedManifest({ file, location }, attributes)) lines.push(line);
  return lines;
}

describe('an augmented manifest', () => {
  test('gives the attributes that are asked for, in the order in which they are', async () => {
    const text =
      '{"source-ref":"s3://images/a b.png","label":"cat","more":1}\n\n{"label":"ß\\n","source-ref":"s3://other/x"}\r\n';
    expect(await read(text, ['label', 'source-ref'])).toEqual([
      [
        ['text', 'cat'],
        ['ref', 'images', 'a b.png'],
      ],
      [
        ['text', 'ß\n'],
        ['ref', 'other', 'x'],
      ],
    ]);
  });

  test('sends what is no text as it stands, without blanks: no digit is lost', async () => {
    const text =
      '{"n": 12345678901234567890, "f": 1.0, "o": { "a b": [ 1, "x y", null ] }, "e": "", "t": true}';
    expect(await read(text, ['n', 'f', 'o', 'e', 't'])).toEqual([
      [
        ['text', '12345678901234567890'],
        ['text', '1.0'],
        ['text', '{"a b":[1,"x y",null]}'],
        ['text', ''],
        ['text', 'true'],
      ],
    ]);
  });

  test.each([
    ['that lacks an attribute', '{"a":1}\n{"b":1}\n', 'line 2 has no attribute "a"'],
    ['that is no JSON', '{"a":1}\n{"a":\n', 'line 2 is no JSON object'],
    ['that is an array', '[1]', 'line 1 is no JSON object'],
    ['that is no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'line 1 is not UTF-8'],
  ])('with a line %s is told by its URI and line', async (_, text, words) => {
    await expect(read(text, ['a'])).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringMatching(`s3://lists/train.jsonl.*${words}`) as string,
    });
  });

  test.each(['"images/a.png"', '7', '"s3://images"', 'null'])(
    'does not take %s for a reference',
    async value => {
      await expect(read(`{"x-ref":${value}}`, ['x-ref'])).rejects.toThrow(
        /"x-ref" in line 1 is .*, where the S3 URI of an object was expected/,
      );
    },
  );

  test('of a million lines costs no memory', async () => {
    const file = join(await scratch('manifest'), 'copy');
    const piece = '{"source-ref":"s3://images/some/where/0123456789.png","label":1}\n'.repeat(1000);
    await pipeline(Readable.from(Array.from({ length: 1000 }, () => piece)), createWriteStream(file));
    let lines = 0;
    let highest = 0;
    for await (const line of readAugmentedManifest({ file, location }, ['source-ref'])) {
      lines += line.length;
      if (lines % 50_000 === 0) highest = Math.max(highest, process.memoryUsage().external);
    }
    expect(lines).toBe(1_000_000);
    expect(highest).toBeLessThan(64 * 1024 * 1024);
  });

  test('with a line without end is given up', async () => {
    await expect(read(Buffer.alloc(LONGEST_LINE + 1, 'x'), ['a'])).rejects.toThrow('line 1 is longer than');
  });
});

test('a ManifestFile that is too large to be read as a whole is not read', async () => {
  const file = join(await scratch('manifest'), 'copy');
  await writeFile(file, Buffer.alloc(LARGEST_MANIFEST + 1, ' '));
  await expect(readManifest({ file, location })).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
});

describe('the members of an object are split', () => {
  test.each<[json: string, members: Record<string, string>]>([
    ['{}', {}],
    ['{"a":"\\"},{\\\\"}', { a: '"\\"},{\\\\"' }],
    ['{"a":{"b":{"c":1}},"d":[{"e":2},[]]}', { a: '{"b":{"c":1}}', d: '[{"e":2},[]]' }],
    ['{ "a" : -1.5e+3 , "a" : 2 }', { a: '2' }],
    ['{"":null}', { '': 'null' }],
  ])('%s', (json, members) => {
    expect(Object.fromEntries(valueTexts(json) ?? [])).toEqual(members);
  });
});
