/** Jobs whose store spoils one request in ten: they end with every byte as it was, or fail and name the object. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { expectNothingLeft, type Described } from '../harness/aftermath.js';
import { FAULTS, startFaultProxy, type Fault } from '../harness/fault-proxy.js';
import { bytesOf, pieces, pooled, sha256 } from '../harness/known-bytes.js';
import { afterThis, optml, scratch } from '../harness/optml.js';
import { channel, shellJob, writeRequest, type Request } from '../harness/requests.js';
import { startMinio } from '../store/minio.js';
import { keysOf, listedIn, makeBuckets, storeOf } from '../store/real-store.js';

const run = promisify(execFile);
const MB = 1024 * 1024;
const signal = new AbortController().signal;

/** Three hundred small ones, and some that come and go in several parts. */
const CONTENTS = new Map<string, Buffer>([
  ...Array.from({ length: 300 }, (_, index) => {
    const name = `deep/${index % 7}/${String(index).padStart(4, '0')}`;
    return [name, bytesOf(name, (index * 211) % 40_000)] as const;
  }),
  ...[2 * MB, 9 * MB, 20 * MB].map((size, index) => [`large-${index}`, bytesOf(`l${index}`, size)] as const),
]);

const server = await startMinio();
await makeBuckets(server, 'data', 'outputs');
const plain = storeOf(server);
await pooled(CONTENTS, ([name, bytes]) =>
  plain.upload({ bucket: 'data', key: `train/${name}` }, pieces(bytes), { signal }),
);
afterAll(async () => {
  await plain.close();
  await server.stop();
});

/** Each stall takes half a minute: more of them are left to `npm run soak`. */
const SOAK = process.env['OPTML_TEST_SOAK'] === 'true';

describe('a job behind the faults', () => {
  it.each(SOAK ? [11, 12, 13] : [11])(
    'reads its channel and writes a model of several parts, seed %i',
    async seed => {
      const line =
        'cp -r /opt/ml/input/data/train/. /opt/ml/model; head -c 1000 /dev/zero > /opt/ml/output/data/zeros';
      const { described, folder, job } = await behind({ seed, faults: FAULTS, line, members: {} });
      if (described.TrainingJobStatus === 'Failed') {
        expectNamed(described);
        return;
      }
      const tarball = join(folder, 'model.tar.gz');
      await fetched(`here/${job}/output/model.tar.gz`, tarball);
      await run('tar', ['-xzf', tarball, '-C', folder]);
      await run('rm', [tarball]);
      expect(await sumsBelow(folder)).toEqual(sumsOf(CONTENTS));
    },
  );

  // Objects go one after the other: stalls of half a minute each are left to the others.
  it.each(SOAK ? [21, 22] : [21])('writes an object for each file, seed %i', async seed => {
    const { described, folder, job } = await behind({
      seed,
      faults: FAULTS.filter(fault => !fault.startsWith('stalled')),
      line: 'cp -r /opt/ml/input/data/train/. /opt/ml/model',
      members: { OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType: 'NONE' } },
    });
    if (described.TrainingJobStatus === 'Failed') {
      expectNamed(described);
      return;
    }
    const prefix = `here/${job}/output/model/`;
    const sums = new Map<string, string>();
    await pooled(await listedIn(plain, 'outputs', prefix), async (object, index) => {
      const file = join(folder, String(index));
      await plain.download({ bucket: 'outputs', ...object }, file, { signal });
      sums.set(object.key.slice(prefix.length), sha256(await readFile(file)));
    });
    expect(sums).toEqual(sumsOf(CONTENTS));
  });

  it('fails and names the object when the faults do not end', async () => {
    const proxy = await startFaultProxy({
      target: server.url,
      seed: 31,
      share: 1,
      faults: ['answer corrupted'],
      only: /\/train\/large-1/,
    });
    afterThis(() => proxy.stop());
    const { described } = await jobOn(proxy.url, shellJob('true', { InputDataConfig: CHANNEL }));
    expect(described).toMatchObject({
      TrainingJobStatus: 'Failed',
      FailureReason: expect.stringContaining('s3://data/train/large-1') as string,
    });
  });
});

const CHANNEL = [channel('train', 's3://data/train/')];

async function behind({
  seed,
  faults,
  line,
  members,
}: {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly line: string;
  readonly members: Request;
}): Promise<{ described: Described; folder: string; job: string }> {
  const proxy = await startFaultProxy({ target: server.url, seed, faults });
  afterThis(() => proxy.stop());
  // The name is a part of the keys, and these decide what is spoiled.
  const job = `behind-faults-${seed}`;
  const request = shellJob(line, { TrainingJobName: job, InputDataConfig: CHANNEL, ...members });
  const { described } = await jobOn(proxy.url, request);
  const spoiled = [...proxy.done.values()].reduce((sum, count) => sum + count, 0);
  expect(spoiled).toBeGreaterThan(20);
  return { described, folder: await scratch('outputs'), job };
}

async function jobOn(url: string, request: Request): Promise<{ described: Described }> {
  const home = await scratch('faults');
  const file = await writeRequest(home, request);
  const result = await optml(['run', file, '--json', '--store', url], { home, env: keysOf(server) });
  expect(result.stderr).not.toMatch(/Something went wrong inside|\n\s+at /);
  await expectNothingLeft(home, String(request['TrainingJobName']));
  return { described: JSON.parse(result.stdout) as Described };
}

/** As good an end as the other, if it says of what. */
function expectNamed({ FailureReason }: Described): void {
  expect(FailureReason).toMatch(/s3:\/\/(data\/train|outputs\/here)\/\S+/);
}

async function fetched(key: string, file: string): Promise<void> {
  const [object] = await listedIn(plain, 'outputs', key);
  if (object === undefined) throw new Error(`there is no ${key}`);
  await plain.download({ bucket: 'outputs', ...object }, file, { signal });
}

function sumsOf(contents: ReadonlyMap<string, Buffer>): Map<string, string> {
  return new Map([...contents].map(([name, bytes]) => [name, sha256(bytes)]));
}

async function sumsBelow(folder: string): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    sums.set(path.slice(folder.length + 1), sha256(await readFile(path)));
  }
  return sums;
}
