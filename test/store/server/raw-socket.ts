/** Bytes that no HTTP client would send, sent as they are. */

import { connect, type Socket } from 'node:net';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { BUCKET } from './harness.js';

/** Sends these bytes, and returns all that comes back until the server closes. */
export async function exchange(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const pieces: Buffer[] = [];
  socket.on('data', piece => pieces.push(piece)).on('error', () => undefined);
  socket.write(bytes);
  await closed(socket);
  return Buffer.concat(pieces).toString('latin1');
}

/** As `exchange`, but the client closes its side: nothing is waited for. */
export async function exchangeAndLeave(port: number, bytes: Buffer): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const pieces: Buffer[] = [];
  socket.on('data', piece => pieces.push(piece)).on('error', () => undefined);
  socket.on('end', () => socket.destroy());
  socket.end(bytes);
  await closed(socket);
  return Buffer.concat(pieces).toString('latin1');
}

/** Also when the other side resets the connection. */
export function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => void socket.once('close', () => resolve()));
}

/** Path and query of a PUT that anybody may send. */
export async function presignedPut(client: S3Client, key: string): Promise<string> {
  const command = new PutObjectCommand({ Bucket: BUCKET, Key: key });
  const { pathname, search } = new URL(await getSignedUrl(client, command, { expiresIn: 600 }));
  return pathname + search;
}
