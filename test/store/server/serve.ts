/** A server as a process: `serve.ts ROOT`. Prints its port, and ends with its standard input. */

import { createS3Server } from '../../../src/store/server/s3-server.js';

const [, , root = ''] = process.argv;
const server = createS3Server({
  root,
  keys: id => (id === 'OPTMLTESTKEY' ? { secretAccessKey: 'optml/test+secret' } : null),
  region: 'us-east-1',
  hosts: ['localhost'],
  onFault: fault => console.error(fault),
});
const { port } = await server.listen('127.0.0.1', 0);
console.log(port);
process.stdin.on('end', () => void server.close()).resume();
