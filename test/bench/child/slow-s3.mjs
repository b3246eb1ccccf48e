/** A far S3 server: `slow-s3.mjs COUNT BYTES LATENCY`; prints its port. Every request waits before it is answered. */
import { createServer } from 'node:http';

const [count, bytes, latency] = process.argv.slice(2).map(Number);
const PAGE = 1000;
const body = Buffer.alloc(bytes, 'x');
const etag = '"00000000000000000000000000000000-1"';

const server = createServer((request, response) => {
  setTimeout(() => answer(request, response), latency);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', 4096, () => console.log(server.address().port));

function answer(request, response) {
  const url = new URL(request.url, 'http://localhost');
  if (/^\/bench\/?$/.test(url.pathname)) {
    response.setHeader('content-type', 'application/xml');
    response.end(page(Number(url.searchParams.get('continuation-token') ?? 0)));
    return;
  }
  response.writeHead(200, {
    'content-length': bytes,
    etag,
    'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function page(number) {
  const keys = Array.from(
    { length: Math.min(PAGE, count - number * PAGE) },
    (_, index) => number * PAGE + index,
  );
  const more = (number + 1) * PAGE < count;
  return (
    `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name><Prefix>data/</Prefix><KeyCount>${keys.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>${more}</IsTruncated>` +
    (more ? `<NextContinuationToken>${number + 1}</NextContinuationToken>` : '') +
    keys
      .map(
        key =>
          `<Contents><Key>data/part-${String(key).padStart(7, '0')}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>${etag.replaceAll('"', '&quot;')}</ETag><Size>${bytes}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
      )
      .join('') +
    '</ListBucketResult>'
  );
}
