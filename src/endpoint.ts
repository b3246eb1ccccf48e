/** `optml up`: this home's S3 endpoint on the loopback, until it is closed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OptmlError, systemCode } from './errors.js';
import type { Home } from './journal/home.js';
import { homeKeys } from './journal/home-keys.js';
import { sayEndpoint } from './journal/running-endpoint.js';
import { serveStore, type ServedChoice } from './store/access.js';

export interface RunningEndpoint {
  /** `http://127.0.0.1:4566` */
  readonly url: string;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Port 0 takes a free one. Throws USAGE when the port is taken. */
export async function openEndpoint({
  home,
  choice,
  port,
  region,
}: {
  readonly home: Home;
  readonly choice: ServedChoice;
  readonly port: number;
  readonly region: string;
}): Promise<RunningEndpoint> {
  const { accessKeyId, secretAccessKey } = await homeKeys(home);
  const server = await serveStore(choice, {
    keys: id => (id === accessKeyId ? { secretAccessKey } : null),
    region,
    hosts: ['localhost', 's3.localhost'],
    answersFirst: answerOwn,
  });
  try {
    const address = await server.listen(HOST, port);
    const url = `http://${HOST}:${address.port}`;
    const said = await sayEndpoint(home, url);
    return {
      url,
      async close() {
        await said.forget();
        await server.close();
      },
    };
  } catch (thrown) {
    await server.close();
    if (systemCode(thrown) !== 'EADDRINUSE') throw thrown;
    throw new OptmlError(
      'USAGE',
      `Port ${port} is taken by another program: choose one with --port, or 0 for a free one.`,
      {
        cause: thrown,
      },
    );
  }
}

/** Health, and a word for clients of services that are not here yet; everything else is S3's. */
function answerOwn(message: IncomingMessage, response: ServerResponse): boolean {
  if (message.url === '/_optml/health' && message.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ready"}\n');
    return true;
  }
  const target = message.headers['x-amz-target'];
  if (target === undefined) return false;
  message.resume();
  const text = `optml up answers S3 only: ${String(target)} is not built yet. Run jobs with optml run.`;
  response
    .writeHead(501, { 'content-type': 'application/x-amz-json-1.1' })
    .end(JSON.stringify({ __type: 'UnknownOperationException', message: text }));
  return true;
}
