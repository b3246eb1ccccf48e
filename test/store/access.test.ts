/** The way of a job's containers to its store. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { openAccess } from '../../src/store/access.js';
import { afterThis, scratch } from '../harness/optml.js';

test('answers what is no HTTP with an S3 error, as the endpoint does', async () => {
  const access = await openAccess(
    { kind: 'embedded', folder: await scratch('store') },
    {
      address: '127.0.0.1',
      region: 'us-east-1',
      authority: () => Promise.reject(new Error('not asked for')),
    },
  );
  afterThis(() => access.close());
  const socket = connect(Number(new URL(access.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write('this is no request\r\n\r\n');
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [\s\S]*<Code>BadRequest<\/Code>/);
});
