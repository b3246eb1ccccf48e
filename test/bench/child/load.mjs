/** Puts or gets objects of 10 KiB, 32 at once: `load.mjs URL put|get COUNT FILE`; writes the milliseconds into FILE. */
import { writeFileSync } from 'node:fs';
import { fixedCredentials } from '../../../dist/aws/credentials.js';
import { createS3Client } from '../../../dist/store/s3/client.js';

const [url, verb, count, file] = process.argv.slice(2);
const credentials = fixedCredentials({
  accessKeyId: process.env.AWS_ACCESS_KEY_ID,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
});
const client = createS3Client({ name: url, url, region: 'us-east-1', credentials });
const { signal } = new AbortController();
const body = Buffer.alloc(10 * 1024, 'x');
const sink = { onHead: () => undefined, onChunk: () => undefined };
const one = key =>
  verb === 'put'
    ? client.once({ method: 'PUT', bucket: 'bench', key, body, signal })
    : client.once({ method: 'GET', bucket: 'bench', key, sink, signal });

let next = 0;
async function work() {
  while (next < Number(count)) await one(`folder/object-${next++}`);
}
await one('folder/object-0');
const start = performance.now();
await Promise.all(Array.from({ length: 32 }, work));
writeFileSync(file, String(performance.now() - start));
await client.close();
