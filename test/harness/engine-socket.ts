import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterThis } from './optml.js';

/** Lets a server be an engine until the test has ended; gives its URL. */
export async function serveAsEngine(server: Server): Promise<string> {
  // A socket's path must be short, which a checkout's may not be.
  const folder = await mkdtemp(join(tmpdir(), 'optml-engine-'));
  server.listen(join(folder, 'engine.sock'));
  await once(server, 'listening');
  afterThis(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await rm(folder, { recursive: true });
  });
  return `unix://${join(folder, 'engine.sock')}`;
}
