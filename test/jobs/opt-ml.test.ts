/** What a container sees of `/opt/ml`, and what it may do there (contract §1.2, §1.3). */
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { namesIn, runJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { channel, putObject, shell, shellJob, writeRequest, type Request } from '../harness/requests.js';

const PLAIN: Request = { OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType: 'NONE' } };

function asUser1000(line: string | readonly string[], members: Request = {}): Request {
  return shellJob('', { ...shell(line, { TrainingImage: 'optml-user-1000:latest' }), ...members });
}

const TREE = "find /opt/ml -mindepth 1 -printf '%P %y %m %u:%g\\n' | LC_ALL=C sort";

async function homeWithData(): Promise<string> {
  const home = await scratch('home');
  await putObject(home, 's3://data/train/a.csv', '1,2\n');
  await putObject(home, 's3://data/train/deep/b.csv', '3,4\n');
  return home;
}

const CHANNELS: Request = {
  InputDataConfig: [channel('train', 's3://data/train/'), channel('valid-1.x_y', 's3://data/train/deep')],
};

describe('the tree', () => {
  test("is the platform's for a root image: folders 755, files 644, all of root", async () => {
    const { log } = await runJob(shellJob(TREE, CHANNELS), { home: await homeWithData() });
    expect(log).toEqual([
      'errors d 755 root:root',
      'input d 755 root:root',
      'input/config d 755 root:root',
      'input/config/hyperparameters.json f 644 root:root',
      'input/config/inputdataconfig.json f 644 root:root',
      'input/config/metric-definition-regex.json f 644 root:root',
      'input/config/resourceconfig.json f 644 root:root',
      'input/data d 755 root:root',
      'input/data/train d 755 root:root',
      'input/data/train-manifest f 644 root:root',
      'input/data/train/a.csv f 644 root:root',
      'input/data/train/deep d 755 root:root',
      'input/data/train/deep/b.csv f 644 root:root',
      'input/data/valid-1.x_y d 755 root:root',
      'input/data/valid-1.x_y-manifest f 644 root:root',
      'input/data/valid-1.x_y/b.csv f 644 root:root',
      'model d 755 root:root',
      'output d 755 root:root',
      'output/data d 755 root:root',
      'output/metrics d 755 root:root',
      'output/metrics/sagemaker d 755 root:root',
      'output/profiler d 755 root:root',
    ]);
  });

  test('does not depend on the umask of the user', async () => {
    const home = await homeWithData();
    const before = process.umask(0o077); // what the command inherits
    try {
      const { log } = await runJob(shellJob(TREE, CHANNELS), { home });
      expect(log).toContain('input/config/hyperparameters.json f 644 root:root');
      expect(log).toContain('input/data/train/deep d 755 root:root');
      expect(log).toContain('input/data/train/a.csv f 644 root:root');
      expect(log).toContain('model d 755 root:root');
    } finally {
      process.umask(before);
    }
  });

  test('has the folders of debugger and TensorBoard when they are asked for', async () => {
    const { log } = await runJob(
      shellJob('ls -d /opt/ml/output/tens* /elsewhere/tb; ls /opt/ml/input/config', {
        DebugHookConfig: { S3OutputPath: 's3://outputs/debug' },
        TensorBoardOutputConfig: { S3OutputPath: 's3://outputs/tb', LocalPath: '/elsewhere/tb' },
      }),
    );
    expect(log).toEqual([
      '/elsewhere/tb',
      '/opt/ml/output/tensors',
      'debughookconfig.json',
      'hyperparameters.json',
      'inputdataconfig.json',
      'metric-definition-regex.json',
      'resourceconfig.json',
      'tensorboardoutputconfig.json',
    ]);
  });

  test('has no folder output/intermediate, which the training toolkit would take for a synchronised one', async () => {
    const { log } = await runJob(
      shellJob('test -e /opt/ml/output/intermediate && echo there || echo absent'),
    );
    expect(log).toEqual(['absent']);
  });
});

describe('an image of USER 1000', () => {
  test('can write in model, output, errors, the channels and input, and change its own data', async () => {
    const folders = [
      'model',
      'output',
      'output/data',
      'errors',
      'input',
      'input/data',
      'input/data/train',
      'input/data/train/deep',
    ];
    const lines = [
      ...folders.map(folder => `cd /opt/ml/${folder} && touch written && mkdir made && echo ${folder}`),
      'echo more >> /opt/ml/input/data/train/a.csv',
      'rm /opt/ml/input/data/train/deep/b.csv',
    ];
    const { status, log } = await runJob(asUser1000(lines, CHANNELS), { home: await homeWithData() });
    expect({ status, log }).toEqual({ status: 0, log: folders });
  });

  test('can read its configuration and its data, and cannot change the configuration', async () => {
    const lines = [
      'exec 2> /dev/null; cd /opt/ml/input',
      'cat config/*.json data/train/a.csv data/train-manifest > /dev/null && echo read',
      'touch config/new || echo no new file',
      '(echo x >> config/hyperparameters.json) || echo no change',
      'rm -f config/hyperparameters.json || echo no removal',
      'mv config moved || echo no move',
    ];
    const { log } = await runJob(asUser1000(lines, CHANNELS), { home: await homeWithData() });
    expect(log).toEqual(['read', 'no new file', 'no change', 'no removal', 'no move']);
  });

  test('has its outputs uploaded, with the modes that it gave them', async () => {
    const line =
      'umask 077; echo secret > /opt/ml/model/weights; mkdir /opt/ml/model/d; echo x > /opt/ml/model/d/y';
    const { status, output } = await runJob(asUser1000(line, PLAIN));
    expect(status).toBe(0);
    expect(await readFile(output('model/weights'), 'utf8')).toBe('secret\n');
    expect(await readFile(output('model/d/y'), 'utf8')).toBe('x\n');
  });
});

test('not even root can change the configuration', async () => {
  const line =
    'exec 2> /dev/null; touch /opt/ml/input/config/new || rm /opt/ml/input/config/resourceconfig.json || echo refused';
  const { log } = await runJob(shellJob(line));
  expect(log).toEqual(['refused']);
});

test('the container sees the very bytes that "optml plan" prints, in config files and manifests', async () => {
  const home = await homeWithData();
  await putObject(home, 's3://data/names/with space+plus%2F é.txt', 'x');
  const request = shellJob(
    [
      'mkdir -p /opt/ml/model/input/data',
      'cp -r /opt/ml/input/config /opt/ml/model/input',
      'cp /opt/ml/input/data/*-manifest /opt/ml/model/input/data',
    ],
    {
      ...PLAIN,
      HyperParameters: { epochs: '5', code: '"train.py"', unicode: 'é日😀', html: '<a>&</a>', zero: '' },
      InputDataConfig: [
        channel('train', 's3://data/train/', { ContentType: 'text/csv' }),
        channel('part', 's3://data/tra'),
        channel('one', 's3://data/train/deep/b.csv', { RecordWrapperType: 'RecordIO' }),
        channel('names', 's3://data/names'),
      ],
      DebugHookConfig: { S3OutputPath: 's3://outputs/debug', HookParameters: { save_interval: '10' } },
      TensorBoardOutputConfig: { S3OutputPath: 's3://outputs/tb' },
    },
  );
  const algorithm = request['AlgorithmSpecification'] as Request;
  algorithm['MetricDefinitions'] = [{ Name: 'loss', Regex: 'loss=([0-9.]+)' }];
  const planned = await optml(['plan', await writeRequest(home, request)], { home });
  const { hosts } = JSON.parse(planned.stdout) as { hosts: { files: Record<string, string> }[] };
  const { status, output } = await runJob(request, { home });
  expect(status).toBe(0);
  expect(await filesBelow(output('model'), '/opt/ml')).toEqual(hosts[0]?.files);
});

/** Path → text of every file below a folder. */
async function filesBelow(folder: string, root: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter(one => one.isFile()).map(one => join(one.parentPath, one.name));
  const texts = await Promise.all(
    paths.map(async path => [root + path.slice(folder.length), await readFile(path, 'utf8')]),
  );
  return Object.fromEntries(texts) as Record<string, string>;
}

test('the plan touches no engine and leaves nothing behind', async () => {
  const home = await homeWithData();
  const file = await writeRequest(home, shellJob('true', CHANNELS));
  const { status, stdout, stderr } = await optml(['plan', file], {
    home,
    env: { DOCKER_HOST: 'unix:///nowhere.sock' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^\{/);
  expect(await namesIn(join(home, 'run'))).toEqual([]);
  expect(await namesIn(join(home, 'jobs'))).toEqual([]);
  expect(dirname(file)).toBe(home);
});
