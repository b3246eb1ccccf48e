/** Inputs that are results of queries, by folders that stand for them (contract §2.6). */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refusedJob, runJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { inputAt, outputsAt, processingJob } from '../harness/processing.js';
import { putObject, writeRequest, type Request } from '../harness/requests.js';

const ATHENA = {
  Catalog: 'AwsDataCatalog',
  Database: 'sales',
  QueryString: 'SELECT * FROM orders',
  OutputS3Uri: 's3://queries/results/',
  OutputFormat: 'PARQUET',
};
const REDSHIFT = {
  ClusterId: 'cluster-1',
  Database: 'sales',
  DbUser: 'me',
  QueryString: 'SELECT 1',
  ClusterRoleArn: 'arn:aws:iam::123456789012:role/Redshift',
  OutputS3Uri: 's3://queries/results/',
  OutputFormat: 'CSV',
};

function dataset(name: string, members: Request = {}): Request {
  return {
    InputName: name,
    DatasetDefinition: {
      LocalPath: `/opt/ml/processing/${name}`,
      AthenaDatasetDefinition: ATHENA,
      ...members,
    },
  };
}

async function homeWith(files: Readonly<Record<string, string>>): Promise<string> {
  const home = await scratch('home');
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(home, path, '..'), { recursive: true });
    await writeFile(join(home, path), content);
  }
  return home;
}

const SHOW = 'cd /opt/ml/processing; find . -type f | LC_ALL=C sort | xargs tail -n +1';

describe('the folder that stands for the result of a query', () => {
  test('lies at the LocalPath, beside other inputs, and the container may change its copy', async () => {
    const home = await homeWith({ 'orders/part-0': 'one\n', 'orders/sub/part-1': 'two\n', 'other/x': 'x\n' });
    await putObject(home, 's3://data/raw/file', 'raw\n');
    const request = processingJob([SHOW, 'echo new > orders/part-0', 'cp -r orders out'], {
      ProcessingInputs: [
        dataset('orders'),
        dataset('other', { AthenaDatasetDefinition: undefined, RedshiftDatasetDefinition: REDSHIFT }),
        inputAt('raw', 's3://data/raw/'),
      ],
      ...outputsAt({ out: 's3://data/out' }),
    });
    const args = ['--map-dataset', 'orders=./orders', '--map-dataset', `other=${join(home, 'other')}`];
    const { status, log, stderr } = await runJob(request, { home, args });
    expect({ status, log: log.filter(line => line !== '') }).toEqual({
      status: 0,
      log: [
        '==> ./orders/part-0 <==',
        'one',
        '==> ./orders/sub/part-1 <==',
        'two',
        '==> ./other/x <==',
        'x',
        '==> ./raw/file <==',
        'raw',
      ],
    });
    expect(stderr).toMatch(/differs +ProcessingInputs\[0\]\.DatasetDefinition: no query is run/);
    expect(await readFile(join(home, 'orders/part-0'), 'utf8')).toBe('one\n');
    expect(await readFile(join(home, 's3/data/out/orders/part-0'), 'utf8')).toBe('new\n');
  });

  test('is dealt out to the hosts, object by object', async () => {
    const home = await homeWith({ 'orders/a': 'a', 'orders/b': 'b', 'orders/c': 'c' });
    const request = processingJob(['ls /opt/ml/processing/orders'], {
      ProcessingInputs: [dataset('orders', { DataDistributionType: 'ShardedByS3Key' })],
      ProcessingResources: {
        ClusterConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 10 },
      },
    });
    const { status, logOf } = await runJob(request, { home, env: { OPTML_MAP_DATASET: 'orders=orders' } });
    expect({ status, one: logOf('algo-1'), two: logOf('algo-2') }).toEqual({
      status: 0,
      one: ['a', 'c'],
      two: ['b'],
    });
  });

  test('is seen by the plan, with the definition in the config file', async () => {
    const home = await homeWith({
      'orders/a': 'abc',
      'optml.config.json': '{"mapDataset":["orders=./orders"]}',
    });
    const file = await writeRequest(home, processingJob(['true'], { ProcessingInputs: [dataset('orders')] }));
    const { stdout } = await optml(['plan', file], { home });
    const { hosts } = JSON.parse(stdout) as {
      hosts: [{ files: Record<string, string>; channels: [{ objects: object[] }] }];
    };
    expect(hosts[0].channels[0].objects).toEqual([
      { uri: 's3://queries/results/orders/a', path: '/opt/ml/processing/orders/a', bytes: 3 },
    ]);
    const config = JSON.parse(hosts[0].files['/opt/ml/config/processingjobconfig.json'] ?? '') as Request;
    expect(config['ProcessingInputs']).toEqual([
      {
        InputName: 'orders',
        AppManaged: false,
        S3Input: null,
        DatasetDefinition: dataset('orders')['DatasetDefinition'],
      },
    ]);
  });
});

test.each<[words: string, maps: readonly string[], input: Request]>([
  ['let a folder stand for it with --map-dataset orders=./folder', [], dataset('orders')],
  ['--map-dataset orders=./folder', ['other=.'], dataset('orders')],
  ['The map "orders=./nowhere" leads nowhere', ['orders=./nowhere'], dataset('orders')],
  ['"orders" is no map of a dataset', ['orders'], dataset('orders')],
  ['use File mode', ['orders=.'], dataset('orders', { InputMode: 'Pipe' })],
  ["The input 'orders' needs a LocalPath", ['orders=.'], dataset('orders', { LocalPath: undefined })],
  ['must be a path below /opt/ml/processing/', ['orders=.'], dataset('orders', { LocalPath: '/data' })],
  [
    'Exactly one of AthenaDatasetDefinition and RedshiftDatasetDefinition must be given, but there are 2',
    ['orders=.'],
    dataset('orders', { RedshiftDatasetDefinition: REDSHIFT }),
  ],
  ['but there are 0', ['orders=.'], dataset('orders', { AthenaDatasetDefinition: undefined })],
])('is refused: %s', async (words, maps, input) => {
  const args = maps.flatMap(map => ['--map-dataset', map]);
  const stderr = await refusedJob(processingJob(['true'], { ProcessingInputs: [input] }), { args });
  expect(stderr).toContain(words);
});

test('what the platform does not bring needs no folder', async () => {
  const input = { ...dataset('orders'), AppManaged: true };
  const { status, log } = await runJob(
    processingJob(['test ! -e /opt/ml/processing/orders && echo ran'], { ProcessingInputs: [input] }),
  );
  expect({ status, log }).toEqual({ status: 0, log: ['ran'] });
});
