/** Once before all: the servers are started, and what was found is said. One that is missing fails the run. */

import type { TestProject } from 'vitest/node';
import { pythonClients } from '../store/clients.js';
import { startMinio } from '../store/minio.js';
import type { RealServer, S3Address } from '../store/server-program.js';
import { startSwift } from '../store/swift.js';
import { startVersitygw } from '../store/versitygw.js';

/** What tests in other processes are told of a server. */
export type FoundServer = S3Address & Pick<RealServer, 'name' | 'version' | 'folder'>;

declare module 'vitest' {
  export interface ProvidedContext {
    servers: readonly FoundServer[];
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const clients = pythonClients();
  const old = pythonClients('old');
  const started = await Promise.allSettled([startMinio(), startVersitygw(), startSwift()]);
  const servers = started.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  async function teardown(): Promise<void> {
    await Promise.all(servers.map(server => server.stop()));
  }
  const missing = started.find(result => result.status === 'rejected');
  if (missing !== undefined) {
    await teardown();
    throw new Error(`A store is missing: sh test/tools.sh installs it. ${String(missing.reason)}`);
  }
  for (const { name, version, url } of servers) console.log(`found ${name} (${version}) at ${url}`);
  console.log(`found clients: ${[...clients.packages, ...old.packages].join(', ')}`);
  provide(
    'servers',
    servers.map(({ name, version, folder, url, region, accessKeyId, secretAccessKey }) => ({
      name,
      version,
      folder,
      url,
      region,
      accessKeyId,
      secretAccessKey,
    })),
  );
  return teardown;
}
