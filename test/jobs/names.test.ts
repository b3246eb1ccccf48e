/** The command line: job names, several files, stdin, YAML, settings, and what it refuses (design §2). */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { treeText } from '../harness/aftermath.js';
import { stringify } from 'yaml';
import {
  namesIn,
  refusedJob,
  runJob,
  seesNothingLeft,
  STACK_TRACE,
  startJob,
  type Described,
} from '../harness/job.js';
import { optml, scratch, start, type Result } from '../harness/optml.js';
import { channel, jobName, putObject, shellJob, writeRequest, type Request } from '../harness/requests.js';

const WAITS = ["trap 'exit 0' TERM", 'echo ready', 'sleep 600 & wait'];

function documents({ stdout }: Result): Described[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as Described);
}

describe('the name of a job', () => {
  test("that is running is refused in AWS's words, in any case of its letters, and the running one goes on", async () => {
    const job = await startJob(shellJob(WAITS));
    await job.shows('algo-1 | ready');
    for (const name of [job.name, job.name.toUpperCase()]) {
      const file = await writeRequest(await scratch(), shellJob('echo second', { TrainingJobName: name }));
      const { status, stdout, stderr } = await optml(['run', file, '--json'], { home: job.home });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toContain(
        'Training job names must be unique within an AWS account and region, and a training job with this name already ' +
          `exists (arn:aws:sagemaker:us-east-1:123456789012:training-job/${job.name})`,
      );
    }
    job.signal('SIGTERM');
    const { status, log } = await job.finish();
    expect({ status, log }).toEqual({ status: 4, log: ['ready'] });
  });

  test('that has ended is taken over, and that is said', async () => {
    const home = await scratch('home');
    const name = jobName('Again');
    const first = await runJob(shellJob('echo first; exit 3', { TrainingJobName: name }), { home });
    expect(first.status).toBe(1);
    expect(first.stderr).not.toContain('replaces');
    const second = await runJob(shellJob('echo second', { TrainingJobName: name.toLowerCase() }), { home });
    expect(second.status).toBe(0);
    expect(second.stderr).toContain('This run replaces the job of the same name that ended as Failed.');
    const logs = await optml(['logs', name], { home });
    expect(logs.stdout).toBe('algo-1 | second\n');
    const list = await optml(['ps', '--json'], { home });
    expect(JSON.parse(list.stdout)).toMatchObject([{ name: name.toLowerCase(), status: 'Completed' }]);
  });

  test('stays with the job that had it when the new request is refused', async () => {
    const home = await scratch('home');
    const { described } = await runJob(shellJob('echo first'), { home });
    const TrainingJobName = described.TrainingJobName;
    await refusedJob(
      shellJob('true', { TrainingJobName, InputDataConfig: [channel('c', 's3://absent/x')] }),
      { home },
    );
    const logs = await optml(['logs', TrainingJobName], { home });
    expect(logs.stdout).toBe('algo-1 | first\n');
  });

  test('of two that start at once, one runs', async () => {
    const home = await scratch('home');
    const file = await writeRequest(home, shellJob(WAITS));
    const name = file.slice(home.length + 1, -'.json'.length);
    const both = [0, 1].map(() => start(['run', file, '--json'], { home }));
    await Promise.any(both.map(one => one.shows('algo-1 | ready')));
    const refused = await Promise.race(both.map(one => one.ended));
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('already exists');
    expect((await optml(['stop', name], { home })).status).toBe(0);
    const ends = await Promise.all(both.map(one => one.ended));
    expect(ends.map(one => one.status).sort()).toEqual([2, 4]);
    await seesNothingLeft(home, name);
  });
});

describe('several files', () => {
  test('all run, one after another, one document a line, and the exit status is the highest', async () => {
    const home = await scratch('home');
    const good = shellJob('echo good');
    const bad = shellJob('exit 5');
    const refused = shellJob('true', { InputDataConfig: [channel('c', 's3://absent/x')] });
    const last = shellJob('echo last');
    const files = await Promise.all([good, bad, refused, last].map(one => writeRequest(home, one)));
    const result = await optml(['run', ...files, join(home, 'missing.json'), '--json'], { home });
    expect(result.status).toBe(2);
    expect(documents(result).map(one => [one.TrainingJobName, one.TrainingJobStatus])).toEqual([
      [good['TrainingJobName'], 'Completed'],
      [bad['TrainingJobName'], 'Failed'],
      [last['TrainingJobName'], 'Completed'],
    ]);
    expect(result.stderr).toContain('s3://absent/x');
    expect(result.stderr).toMatch(/missing\.json" does not exist/);
    expect(result.stderr).not.toMatch(STACK_TRACE);
    const times = documents(result).map(one => [Number(one['CreationTime']), Number(one['TrainingEndTime'])]);
    expect(times.flat()).toEqual(times.flat().sort((a, b) => a - b));
    await seesNothingLeft(home, ...[good, bad, refused, last].map(one => String(one['TrainingJobName'])));
  });

  test('a failure gives 1 where nothing was refused', async () => {
    const home = await scratch('home');
    const files = await Promise.all(
      [shellJob('exit 5'), shellJob('true')].map(one => writeRequest(home, one)),
    );
    expect((await optml(['run', ...files], { home })).status).toBe(1);
  });
});

describe('what goes in and out', () => {
  test('"-" is standard input', async () => {
    const home = await scratch('home');
    const request = shellJob('echo from stdin');
    const result = await optml(['run', '-', '--json'], { home, input: JSON.stringify(request) });
    expect(result.status).toBe(0);
    expect(documents(result)).toMatchObject([
      { TrainingJobName: request['TrainingJobName'], TrainingJobStatus: 'Completed' },
    ]);
  });

  test('YAML is read as JSON is', async () => {
    const home = await scratch('home');
    const request = shellJob('cat /opt/ml/input/config/hyperparameters.json', {
      HyperParameters: { epochs: '5', on: 'yes' },
    });
    const file = join(home, 'request.yaml');
    await writeFile(file, `# a comment\n${stringify(request)}`);
    const result = await optml(['run', file], { home });
    expect({ status: result.status, stdout: result.stdout }).toEqual({ status: 0, stdout: '' });
    expect(result.stderr).toContain('algo-1 | {"epochs":"5","on":"yes"}');
  });

  test('without --json stdout is empty, also when the job fails', async () => {
    const home = await scratch('home');
    const file = await writeRequest(home, shellJob('echo seen; exit 1'));
    const { status, stdout, stderr } = await optml(['run', file], { home });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('algo-1 | seen');
  });

  test('--quiet says nothing of a job that ends well, and why a request is refused', async () => {
    const { status, stderr } = await runJob(shellJob('echo seen'), { args: ['--quiet'] });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const refusal = await refusedJob(shellJob('true', { InputDataConfig: [channel('c', 's3://absent/x')] }), {
      args: ['--quiet'],
    });
    expect(refusal).toMatch(/^optml: No S3 objects found/);
  });

  test('a reader of stderr that goes away does not end the job', async () => {
    const job = await startJob(
      shellJob([...WAITS.slice(0, 2), 'seq 100000', 'echo end > /opt/ml/model/end']),
    );
    await job.shows('algo-1 | ready');
    job.child.stderr?.destroy();
    const { status, output } = await job.finish();
    expect(status).toBe(0);
    expect(await namesIn(output(''))).toEqual(['model.tar.gz']);
  });

  test('where output is no terminal there are no colours and no live lines', async () => {
    const { stderr } = await runJob(shellJob('echo x > /opt/ml/model/x'));
    expect(stderr).not.toMatch(/[\u001b\r]/);
  });
});

describe('--strict', () => {
  test('refuses a request for which something would be different, naming the member', async () => {
    const stderr = await refusedJob(shellJob('true'), { args: ['--strict'] });
    expect(stderr).toMatch(/--strict refuses.*RoleArn/);
  });

  test('runs a request that is honoured as a whole', async () => {
    const { status } = await runJob(shellJob('true', { EnableNetworkIsolation: true }), {
      args: ['--strict'],
    });
    expect(status).toBe(0);
  });
});

describe('"optml train"', () => {
  const FLAGS = [
    ...[
      '--image',
      'optml-shell:latest',
      '--hyperparameter',
      'lr=0.1',
      '--hyperparameter',
      'eq=a=b',
      '--env',
      'A=b c',
    ],
    ...[
      '--entrypoint',
      'sh',
      '--entrypoint',
      '-c',
      '--argument',
      'cat /opt/ml/input/data/train/rows.csv; echo $A',
    ],
    ...[
      '--instance-type',
      'ml.c5.xlarge',
      '--max-runtime',
      '60',
      '--output',
      's3://outputs/here',
      '--content-type',
      'text/csv',
    ],
  ];

  async function withData(): Promise<string> {
    const home = await scratch('home');
    await mkdir(join(home, 'folder'));
    await writeFile(join(home, 'folder/rows.csv'), '1,2\n');
    await putObject(home, 's3://data/v/x', 'x');
    return home;
  }

  test('builds the request from flags and runs it, with a channel from a local folder', async () => {
    const home = await withData();
    const name = jobName('flags');
    const args = [
      'train',
      '--name',
      name,
      ...FLAGS,
      '--channel',
      'train=./folder',
      '--channel',
      'v=s3://data/v/',
    ];
    const result = await optml([...args, '--json'], { home });
    expect(result.status).toBe(0);
    expect(result.stderr).toContain('algo-1 | 1,2\nalgo-1 | b c\n');
    expect(documents(result)).toMatchObject([
      {
        TrainingJobName: name,
        TrainingJobStatus: 'Completed',
        HyperParameters: { lr: '0.1', eq: 'a=b' },
        StoppingCondition: { MaxRuntimeInSeconds: 60 },
        ResourceConfig: { InstanceType: 'ml.c5.xlarge', InstanceCount: 1, VolumeSizeInGB: 30 },
      },
    ]);
    expect(await readFile(join(home, 'folder/rows.csv'), 'utf8')).toBe('1,2\n');
    await seesNothingLeft(home, name);
  });

  test('--print-request prints what "optml run" takes, and runs nothing', async () => {
    const home = await withData();
    const name = jobName('printed');
    const args = ['train', '--name', name, ...FLAGS, '--channel', 'train=./folder', '--print-request'];
    const printed = await optml(args, { home, env: { DOCKER_HOST: 'unix:///nowhere.sock' } });
    expect(printed.status).toBe(0);
    const request = JSON.parse(printed.stdout) as Request;
    expect(request).toMatchObject({
      TrainingJobName: name,
      AlgorithmSpecification: {
        ContainerEntrypoint: ['sh', '-c'],
        ContainerArguments: ['cat /opt/ml/input/data/train/rows.csv; echo $A'],
      },
      InputDataConfig: [{ ChannelName: 'train', ContentType: 'text/csv' }],
    });
    const [, map = ''] = /--map (\S+)/.exec(printed.stderr) ?? [];
    const result = await runJob(request, { home, args: ['--map', map] });
    expect({ status: result.status, log: result.log }).toEqual({ status: 0, log: ['1,2', 'b c'] });
  });

  test('makes a name of the image and the time where none is given', async () => {
    const home = await scratch('home');
    const args = ['train', '--image', 'registry.example.com/team/my_image:1.2', '--print-request'];
    const { TrainingJobName } = JSON.parse((await optml(args, { home })).stdout) as {
      TrainingJobName: string;
    };
    expect(TrainingJobName).toMatch(/^my-image-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3}$/);
  });
});

describe('what is refused', () => {
  test.each(['transform', 'check', 'test'])('"optml %s", which is not built, by name', async command => {
    const home = await scratch('home');
    const { status, stdout, stderr } = await optml([command, '--some', 'flag'], { home });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^optml: "optml ${command}" is not built yet`));
  });

  test.each([
    ['an unknown command', ['trian'], /unknown command 'trian'/],
    ['an unknown flag', ['run', 'x.json', '--jsno'], /unknown option '--jsno'/],
    ['a command without its file', ['run'], /missing required argument 'file'/],
    ['a flag without its value', ['run', 'x.json', '--home'], /--home/],
    ['a kind that does not exist', ['ps', '--kind', 'trainig'], /trainig/],
    ['a file that is not there', ['run', 'absent.json'], /"absent.json" does not exist/],
    ['a folder for a file', ['run', '.'], /is a folder/],
    [
      'a store that is none',
      ['run', 'x.json', '--store', 'minio'],
      /"minio": expected embedded, aws, or a URL/,
    ],
    ['a map that is none', ['run', 'good.json', '--map', 'folder'], /"folder" is not a map/],
    ['a map that leads nowhere', ['run', 'good.json', '--map', 's3://b/x=./absent'], /leads nowhere/],
    ['an image map that is none', ['run', 'good.json', '--map-image', 'image'], /"image" is no image map/],
    [
      'a channel that is not there',
      ['train', '--image', 'i', '--channel', 'train=./absent'],
      /there is no ".\/absent" here/,
    ],
    [
      'a number that is none',
      ['train', '--image', 'i', '--max-runtime', '1h'],
      /--max-runtime "1h": expected a whole number/,
    ],
    ['a request of another kind', ['run', 'transform.json'], /does not run transform jobs/],
    ['a text that is no request', ['run', 'broken.json'], /broken.json, line 1, column/],
    ['a member that AWS does not have', ['run', 'unknown.json'], /HyperParametres/],
  ])('%s, with exit status 2, one clear message and no stack', async (_, args, message) => {
    const home = await scratch('home');
    await writeFile(join(home, 'good.json'), JSON.stringify(shellJob('true')));
    await writeFile(join(home, 'transform.json'), '{"TransformJobName": "t", "ModelName": "m"}');
    await writeFile(join(home, 'broken.json'), '{"TrainingJobName": }');
    await writeFile(join(home, 'unknown.json'), JSON.stringify({ ...shellJob('true'), HyperParametres: {} }));
    const { status, stdout, stderr } = await optml(args, { home });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(stderr).not.toContain('inside optml');
  });
});

describe('settings', () => {
  test('the config file of the working folder is read, and flags go before it', async () => {
    const home = await scratch('home');
    await mkdir(join(home, 'rows'));
    await writeFile(join(home, 'rows/a'), 'mapped\n');
    await writeFile(
      join(home, 'optml.config.json'),
      JSON.stringify({ map: ['s3://data/rows=./rows'], region: 'eu-west-1' }),
    );
    const request = shellJob('cat /opt/ml/input/data/c/a; echo $AWS_REGION', {
      InputDataConfig: [channel('c', 's3://data/rows/')],
    });
    const first = await runJob(request, { home });
    expect({ status: first.status, log: first.log }).toEqual({ status: 0, log: ['mapped', 'eu-west-1'] });
    const second = await runJob(request, { home, args: ['--region', 'us-west-2'] });
    expect(second.log).toEqual(['mapped', 'us-west-2']);
  });

  test('a new home is for its user alone', async () => {
    const folder = await scratch('parent');
    const home = join(folder, 'deep/home');
    const file = await writeRequest(folder, shellJob('true'));
    expect((await optml(['run', file, '--home', home], { home: folder })).status).toBe(0);
    expect((await stat(home)).mode & 0o777).toBe(0o700);
  });

  test('--keep leaves the tree of the job, and says where', async () => {
    const { status, home, stderr } = await runJob(
      shellJob('echo x > /opt/ml/errors/x', { HyperParameters: { a: 'b' } }),
      { args: ['--keep'] },
    );
    expect(status).toBe(0);
    const [, folder = ''] = /tree is left in (\S+)\./.exec(stderr) ?? [];
    expect(folder.startsWith(join(home, 'kept'))).toBe(true);
    expect(await treeText(folder, 'errors/x')).toBe('x\n');
    expect(await treeText(folder, 'input/config/hyperparameters.json')).toBe('{"a":"b"}');
  });
});

test.each([['--help'], ['run', '--help'], ['--version']])(
  '"optml %s" goes to stdout with exit status 0',
  async (...args) => {
    const { status, stdout, stderr } = await optml(args, { home: await scratch('home') });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(args[0] === '--version' ? /^\d+\.\d+\.\d+/ : /^Usage: optml/);
  },
);
