/** A small S3 server in memory, which can hold requests. It believes every signature. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGate, type Gate } from './gate.js';
import { afterThis } from './optml.js';

export interface GatedStore {
  readonly url: string;
  /** Credentials for the command: any will do. */
  readonly env: Readonly<Record<string, string>>;
  readonly requests: Gate;
  /** `bucket/key` → content. Every bucket exists. */
  readonly objects: Map<string, Buffer>;
  /** Ends it, with all its connections. Twice is no error. */
  stop(): Promise<void>;
}

export async function gatedStore(): Promise<GatedStore> {
  const requests = createGate();
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    void requests
      .pass(`${request.method ?? ''} ${request.url ?? ''}`)
      .then(() => answer(objects, request, response))
      .catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  afterThis(stop);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    env: { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' },
    requests,
    objects,
    stop,
  };
}

async function answer(
  objects: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://store');
  const path = decodeURIComponent(url.pathname.slice(1));
  const query = url.searchParams;
  const body = await bodyOf(request);
  const part = `${path} ${query.get('uploadId') ?? ''}`;
  switch (`${request.method ?? ''} ${kindOf(path, query)}`) {
    case 'HEAD bucket':
      return void response.end();
    case 'GET bucket':
      return void response.end(listing(objects, path, query.get('prefix') ?? ''));
    case 'GET object': {
      const content = objects.get(path);
      if (content === undefined) return void response.writeHead(404).end();
      return void response
        .writeHead(200, { etag: etagOf(content), 'content-length': content.length })
        .end(content);
    }
    case 'DELETE object':
      objects.delete(path);
      return void response.writeHead(204).end();
    case 'PUT object':
      objects.set(path, body);
      return void response.writeHead(200, { etag: etagOf(body) }).end();
    case 'POST uploads':
      return void response.end(
        '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>',
      );
    case 'PUT part':
      objects.set(`${part} ${(query.get('partNumber') ?? '').padStart(5, '0')}`, body);
      return void response.writeHead(200, { etag: etagOf(body) }).end();
    case 'POST part': {
      const names = partsOf(objects, part);
      const whole = Buffer.concat(names.map(name => objects.get(name) ?? Buffer.alloc(0)));
      for (const name of names) objects.delete(name);
      objects.set(path, whole);
      return void response.end(
        `<CompleteMultipartUploadResult><ETag>${etagOf(whole)}</ETag></CompleteMultipartUploadResult>`,
      );
    }
    case 'DELETE part':
      for (const name of partsOf(objects, part)) objects.delete(name);
      return void response.writeHead(204).end();
    default:
      return void response.writeHead(501).end();
  }
}

function kindOf(path: string, query: URLSearchParams): string {
  if (query.has('uploads')) return 'uploads';
  if (query.has('uploadId')) return 'part';
  return path.replace(/\/$/, '').includes('/') ? 'object' : 'bucket';
}

function partsOf(objects: Map<string, Buffer>, part: string): string[] {
  return [...objects.keys()].filter(name => name.startsWith(`${part} `)).sort();
}

function listing(objects: Map<string, Buffer>, bucket: string, prefix: string): string {
  const found = [...objects]
    .filter(([name]) => name.startsWith(`${bucket}/${prefix}`))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = found.map(
    ([name, content]) =>
      `<Contents><Key>${encodeURIComponent(name.slice(bucket.length + 1))}</Key><Size>${content.length}</Size><ETag>${etagOf(content)}</ETag></Contents>`,
  );
  return `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${entries.join('')}</ListBucketResult>`;
}

function etagOf(content: Buffer): string {
  return `"${createHash('md5').update(content).digest('hex')}"`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
