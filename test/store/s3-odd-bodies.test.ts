/** Bodies that nothing but our own care tells from whole ones: of no announced length, longer than listed, cut off. */
import { expect, test } from 'vitest';
import type { S3Client, S3Request } from '../../src/store/s3/client.js';
import { fetchSmall } from '../../src/store/s3/download.js';
import { readListPage } from '../../src/store/s3/xml.js';

const OBJECT = { bucket: 'data', key: 'greeting', size: 5, etag: null };

function clientThatSends(chunks: readonly string[]): S3Client {
  const once = ({ sink }: S3Request): Promise<unknown> => {
    sink?.onHead(200, { 'transfer-encoding': 'chunked' });
    for (const chunk of chunks) void sink?.onChunk(Buffer.from(chunk));
    return Promise.resolve({});
  };
  return { once, retrying: (_: unknown, attempt: () => unknown) => attempt() } as unknown as S3Client;
}

function fetched(...chunks: readonly string[]): Promise<string> {
  const { signal } = new AbortController();
  return fetchSmall(clientThatSends(chunks), { object: OBJECT, signal }, bytes =>
    Buffer.concat(bytes).toString(),
  );
}

test('a body in chunks is whole when it is as long as listed, and not when more follows', async () => {
  expect(await fetched('he', 'llo')).toBe('hello');
  expect(await fetched('hello')).toBe('hello');
  await expect(fetched('hello', ' world')).rejects.toMatchObject({ code: 'BadBody' });
  await expect(fetched('hell')).rejects.toMatchObject({ code: 'BadBody' });
});

const entry = (key: string): string => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`;
const page = (...parts: readonly string[]): string =>
  `<ListBucketResult><IsTruncated>false</IsTruncated>${parts.join('')}</ListBucketResult>\n`;

test('a listing that does not count is whole to its last tag', () => {
  const whole = page(entry('a'), entry('b'));
  expect(readListPage(whole)).toMatchObject({ objects: [{ key: 'a' }, { key: 'b' }] });
  expect(readListPage(whole.slice(0, whole.indexOf(entry('b'))))).toBe('damaged');
  expect(readListPage(whole.replace('</Contents><Contents>', ''))).toBe('damaged');
  expect(readListPage(whole.replace('</Contents><', '<'))).toBe('damaged');
});
