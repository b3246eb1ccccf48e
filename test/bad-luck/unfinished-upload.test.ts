/** A run that is killed in the middle of an upload to a real server: nothing of that upload stays there. */
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from 'vitest';
import { clean, describeJob, expectNothingLeft, expectStatus } from '../harness/aftermath.js';
import { startFaultProxy } from '../harness/fault-proxy.js';
import { createGate } from '../harness/gate.js';
import { afterThis, optml, scratch, start } from '../harness/optml.js';
import { shellJob, writeRequest } from '../harness/requests.js';
import { startMinio } from '../store/minio.js';
import { keysOf, listedIn, makeBuckets, sdkOf, storeOf } from '../store/real-store.js';

const server = await startMinio();
await makeBuckets(server, 'outputs');
const client = sdkOf(server);
const plain = storeOf(server);
afterAll(async () => {
  client.destroy();
  await plain.close();
  await server.stop();
});

const FORMS = [
  ['a tarball', 'GZIP', 'model.tar.gz'],
  ['an object for each file', 'NONE', 'model/weights'],
] as const;

describe.each(FORMS)('kill -9 while a model goes up as %s', (_what, CompressionType, leaf) => {
  it.each(['clean', 'run'])('is tidied up by the next %s', async how => {
    const gate = createGate();
    const proxy = await startFaultProxy({ target: server.url, seed: 1, share: 0, gate });
    afterThis(() => proxy.stop());
    const home = await scratch('unfinished');
    const options = { home, env: { ...keysOf(server), OPTML_STORE: proxy.url } };
    const body = shellJob('head -c 30000000 /dev/urandom > /opt/ml/model/weights', {
      OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType },
    });
    const job = String(body['TrainingJobName']);
    const key = `here/${job}/output/${leaf}`;
    const sent = gate.hold(/^PUT .*partNumber=3/);
    const running = start(['run', await writeRequest(home, body)], options);
    await sent.reached;
    running.signal('SIGKILL');
    await running.ended;
    sent.release();
    expect(await unfinished(key)).toBe(1);
    if (how === 'clean') await clean(job, options);
    else expectStatus(await optml(['run', await writeRequest(home, shellJob('true'))], options), 0);
    expect(await unfinished(key)).toBe(0);
    // What the dead run was at is done again.
    expect((await listedIn(plain, 'outputs', key)).map(object => object.key)).toEqual([key]);
    expect((await describeJob(job, options)).TrainingJobStatus).toBe('Failed');
    await expectNothingLeft(home, job);
  });
});

async function unfinished(key: string): Promise<number> {
  const { Uploads = [] } = await client.send(
    new ListMultipartUploadsCommand({ Bucket: 'outputs', Prefix: key }),
  );
  return Uploads.length;
}
