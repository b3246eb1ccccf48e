/** How another process asks a job's owner to stop it: a socket in the home that takes one word. */
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import { unlinkIfThere } from './whole-file.js';

export interface ControlSocket {
  close(): Promise<void>;
}

/** Calls `onStop` for each `stop` that arrives. Only the job's lock holder may call this: it takes the place of a dead one's. */
export async function listenForStop(folder: string, id: string, onStop: () => void): Promise<ControlSocket> {
  const path = join(folder, socketName(id));
  await unlinkIfThere(path);
  const server = createServer(connection => {
    connection.on('error', () => undefined);
    connection.setTimeout(5_000, () => connection.destroy());
    connection.once('data', word => {
      if (word.toString('utf8').trim() !== 'stop') return connection.end('unknown word\n');
      onStop();
      return connection.end('stopping\n');
    });
  });
  const address = shortened(folder, socketName(id));
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address.path, resolve);
    });
  } finally {
    address.release();
  }
  // Its being there must not keep the process alive.
  server.unref();
  return {
    async close() {
      await new Promise(resolve => server.close(resolve));
      await unlinkIfThere(path);
    },
  };
}

/** For the socket of a process that died. Only the job's lock holder may call this. */
export async function removeSocket(folder: string, id: string): Promise<void> {
  await unlinkIfThere(join(folder, socketName(id)));
}

/** Of a socket that is not there, that nobody listens on, or whose listener ended before it took the word. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

/** False when nobody listens, or no more. */
export async function askToStop(folder: string, id: string): Promise<boolean> {
  const address = shortened(folder, socketName(id));
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const connection = connect(address.path, () => connection.end('stop\n'));
      let answer = '';
      connection.setTimeout(5_000, () => connection.destroy());
      connection.on('data', chunk => (answer += chunk.toString('utf8')));
      connection.on('close', () => resolve(answer.trim() === 'stopping'));
      connection.on('error', error => {
        if (NOBODY.includes(systemCode(error) ?? '')) resolve(false);
        else reject(error);
      });
    });
  } finally {
    address.release();
  }
}

function socketName(id: string): string {
  return `${createHash('sha256').update(id).digest('hex').slice(0, 16)}.sock`;
}

/** The kernel takes about 100 bytes for a socket's path; on Linux a descriptor of the folder makes any path short. */
function shortened(folder: string, name: string): { path: string; release: () => void } {
  const path = join(folder, name);
  if (process.platform !== 'linux' || Buffer.byteLength(path) < 100)
    return { path, release: () => undefined };
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${descriptor}/${name}`, release: () => closeSync(descriptor) };
}
