/**
 * An S3 server that keeps nothing: `sink-s3.mjs [BYTES A SECOND]`; prints its port. It checks no signature, so that the client is
 * what is measured.
 */
import { createServer } from 'node:http';

const rate = Number(process.argv[2] ?? 0);
/** When all that has come would have come over a line of that rate, in milliseconds. */
let due = 0;

function take(request, chunk) {
  if (rate === 0) return;
  const now = performance.now();
  due = Math.max(due, now) + (chunk.length / rate) * 1000;
  if (due - now < 5) return;
  request.pause();
  setTimeout(() => request.resume(), due - now);
}

const ETAG = '"00000000000000000000000000000000"';
const server = createServer((request, response) => {
  request.on('data', chunk => take(request, chunk));
  request.on('end', () => {
    const url = new URL(request.url, 'http://localhost');
    response.setHeader('etag', ETAG);
    if (request.method === 'GET' || request.method === 'POST') {
      response.setHeader('content-type', 'application/xml');
      if (url.searchParams.has('uploads'))
        response.end(
          '<InitiateMultipartUploadResult><Bucket>bench</Bucket><Key>k</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>',
        );
      else if (url.searchParams.has('uploadId'))
        response.end(
          '<CompleteMultipartUploadResult><Bucket>bench</Bucket><Key>k</Key><ETag>&quot;0-1&quot;</ETag></CompleteMultipartUploadResult>',
        );
      else
        response.end(
          '<ListBucketResult><Name>bench</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>',
        );
    } else response.end();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', 4096, () => console.log(server.address().port));
