/** How a job ends, and what is said of it afterwards (contract §1.10–1.15). */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { dockerEngine } from '../../src/engine/docker/docker-engine.js';
import { reasonOfExit } from '../../src/report/failure-reason.js';
import { docker } from '../harness/engine.js';
import { heldStop } from '../harness/held-stop.js';
import { refusedJob, runJob, STACK_TRACE, startJob, type Described } from '../harness/job.js';
import { afterThis, optml, scratch, start } from '../harness/optml.js';
import { outOfMemory, runsOutOfMemory } from '../harness/out-of-memory.js';
import { channel, jobName, putObject, shell, shellJob, type Request } from '../harness/requests.js';
import { HEARS } from '../harness/tell.js';

function algorithm(members: Request): Request {
  return {
    AlgorithmSpecification: { TrainingImage: 'optml-shell:latest', TrainingInputMode: 'File', ...members },
  };
}

function statuses({ SecondaryStatusTransitions }: Described): string[] {
  return SecondaryStatusTransitions.map(one => one.Status);
}

describe('exit and failure file', () => {
  test.each([1, 42, 255])('exit status %i is told in the FailureReason', async code => {
    const { status, described } = await runJob(shellJob(`exit ${code}`));
    expect(status).toBe(1);
    expect(described).toMatchObject({
      TrainingJobStatus: 'Failed',
      SecondaryStatus: 'Failed',
      FailureReason: `AlgorithmError: , exit code: ${code}`,
    });
    expect(statuses(described)).toEqual(['Starting', 'Downloading', 'Training', 'Uploading', 'Failed']);
  });

  test('exit status 0 is success, whatever lies in the failure file', async () => {
    const { status, described } = await runJob(shellJob('echo no matter > /opt/ml/output/failure'));
    expect(status).toBe(0);
    expect(described.TrainingJobStatus).toBe('Completed');
    expect(described).not.toHaveProperty('FailureReason');
  });

  test('an empty failure file says nothing', async () => {
    const { described } = await runJob(shellJob(': > /opt/ml/output/failure; exit 2'));
    expect(described.FailureReason).toBe('AlgorithmError: , exit code: 2');
  });

  test('the text of the failure file is the reason, several lines and all', async () => {
    const { described, stderr } = await runJob(
      shellJob("printf 'ValueError: é\\nline two' > /opt/ml/output/failure; exit 2"),
    );
    expect(described.FailureReason).toBe('AlgorithmError: ValueError: é\nline two, exit code: 2');
    expect(stderr).toContain('AlgorithmError: ValueError: é line two, exit code: 2');
  });

  test('a long reason is cut to 1,024 characters, none of them in its middle', async () => {
    const { described } = await runJob(
      shellJob("head -c 1000000 /dev/zero | tr '\\0' x | sed 's/x/日/g' > /opt/ml/output/failure; exit 1"),
    );
    const start = 'AlgorithmError: ';
    expect(described.FailureReason).toBe(start + '日'.repeat(1024 - start.length));
  });

  test('the last of many lines and what has no newline are in the log', async () => {
    const { log } = await runJob(shellJob('seq 1 2000; printf last'));
    expect(log).toEqual([...Array.from({ length: 2000 }, (_, index) => String(index + 1)), 'last']);
  });
});

describe('what cannot start', () => {
  test('a missing image fails the job in the words of the platform, and says what to do', async () => {
    const { status, described, stderr } = await runJob(
      shellJob('true', shell('true', { TrainingImage: 'optml-there-is-none:latest' })),
    );
    expect(status).toBe(1);
    expect(described.FailureReason).toBe(
      'ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect.',
    );
    expect(stderr).toMatch(/The image optml-there-is-none:latest is not in the engine.*--map-image/);
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(statuses(described)).toEqual(['Starting', 'Downloading', 'Failed']);
  });

  test.each([
    'not a reference',
    'UPPER',
    '../info',
    'optml-shell:latest/json?x=',
    'optml-shell%3Alatest',
    'é',
  ])('the image name %j, which can be none, is no image that is there', async TrainingImage => {
    const { status, described, stderr } = await runJob(shellJob('', shell('true', { TrainingImage })));
    expect(status).toBe(1);
    expect(described.FailureReason).toMatch(/^ClientError: Cannot pull algorithm container\./);
    expect(stderr).toContain(`The image ${TrainingImage} is not in the engine and cannot be pulled`);
  });

  test('an image of another platform than the instance type is refused by name', async () => {
    const ResourceConfig = { InstanceType: 'ml.m6g.large', InstanceCount: 1, VolumeSizeInGB: 10 };
    const { status, stderr } = await runJob(shellJob('true', { ResourceConfig }));
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /optml-shell:latest is built for linux\/amd64, but this instance type runs linux\/arm64/,
    );
  });

  test.each([
    [
      'an image without the program "train"',
      algorithm({}),
      /exec: "train": executable file not found in \$PATH/,
    ],
    [
      'an entrypoint that is not there',
      algorithm({ ContainerEntrypoint: ['/no/such'] }),
      /exec: "\/no\/such".*no such file/,
    ],
    [
      'an entrypoint that may not be executed',
      algorithm({ ContainerEntrypoint: ['/etc/passwd'] }),
      /exec: "\/etc\/passwd".*permission denied/,
    ],
    [
      'an entrypoint that is a folder',
      algorithm({ ContainerEntrypoint: ['/etc'] }),
      /exec: "\/etc".*(permission denied|is a directory)/,
    ],
  ])("%s fails the job with the engine's own words", async (_, members, words) => {
    const { status, described, stderr } = await runJob(shellJob('', members));
    expect(status).toBe(1);
    expect(described.FailureReason).toMatch(/^ClientError: Artifact upload failed:/);
    expect(described.FailureReason).toMatch(words);
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(described).not.toHaveProperty('ModelArtifacts');
  });
});

describe('images', () => {
  test('--map-image runs a local image in place of the one that the request names', async () => {
    const uri = '123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1';
    const { status, log, described } = await runJob(shellJob('', shell('id -u', { TrainingImage: uri })), {
      args: ['--map-image', `${uri}=optml-user-1000:latest`],
    });
    expect({ status, log }).toEqual({ status: 0, log: ['1000'] });
    expect(described['AlgorithmSpecification']).toMatchObject({ TrainingImage: uri });
  });

  test('an ECR address whose repository and tag exist locally uses them, and says so', async () => {
    const uri = '123456789012.dkr.ecr.us-east-1.amazonaws.com/optml-user-1000:latest';
    const { status, log, stderr } = await runJob(shellJob('', shell('id -u', { TrainingImage: uri })));
    expect({ status, log }).toEqual({ status: 0, log: ['1000'] });
    expect(stderr).toContain(`the local image optml-user-1000:latest for ${uri}`);
  });
});

test('memory: a container that the kernel ends for it is told from other ends', async () => {
  const id = await docker(
    ...['create', '--memory', '24m', '--memory-swap', '24m', 'optml-shell:latest'],
    ...['sh', '-c', `${HEARS}; ${runsOutOfMemory()}`],
  );
  afterThis(async () => {
    await docker('rm', '-f', id);
  });
  const engine = dockerEngine({
    endpoint: { url: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', from: 'the test' },
    mappedImages: {},
    credentials: () => Promise.resolve(undefined),
    ownsRootFiles: true,
  });
  const { ended } = await engine.start({ host: 'algo-1', container: id, volumes: [] }, () => undefined);
  await outOfMemory(id);
  await docker('kill', '--signal', 'USR1', id);
  const exit = await ended;
  engine.close();
  expect(exit).toEqual({ code: 137, outOfMemory: true });
  expect(reasonOfExit(exit, null)).toBe(
    'ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an instance.',
  );
});

test('a job that outlasts MaxRuntimeInSeconds is stopped: it may save, its outputs are uploaded, exit status 4', async () => {
  const { env, release } = await heldStop();
  const job = await startJob(
    shellJob(["trap 'echo saved > /opt/ml/model/m; exit 0' TERM; echo ready", 'sleep 600 & wait'], {
      StoppingCondition: { MaxRuntimeInSeconds: 5 },
    }),
    { env },
  );
  await job.shows('algo-1 | ready');
  release();
  const { status, described, output } = await job.finish();
  expect(status).toBe(4);
  expect(described).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxRuntimeExceeded' });
  expect(described).not.toHaveProperty('FailureReason');
  expect(statuses(described)).toEqual([
    'Starting',
    'Downloading',
    'Training',
    'Stopping',
    'Uploading',
    'MaxRuntimeExceeded',
  ]);
  expect(described.ModelArtifacts?.S3ModelArtifacts).toMatch(/model\.tar\.gz$/);
  expect(await readFile(output('model.tar.gz'))).not.toHaveLength(0);
});

describe('Describe', () => {
  test('echoes the request with its defaults, and has what the end brought', async () => {
    const home = await scratch('home');
    await putObject(home, 's3://data/train/x', 'x');
    const name = jobName('Described');
    const { described, status } = await runJob(
      {
        TrainingJobName: name,
        RoleArn: 'arn:aws:iam::123456789012:role/Training',
        ...shell('echo loss=1.25; echo m > /opt/ml/model/m', {
          MetricDefinitions: [{ Name: 'loss', Regex: 'loss=(.*)' }],
        }),
        HyperParameters: { epochs: '1' },
        Environment: { A: 'b' },
        InputDataConfig: [channel('train', 's3://data/train', { ContentType: 'text/csv' })],
        OutputDataConfig: { S3OutputPath: 's3://outputs/here' },
        ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 },
        StoppingCondition: {},
        Tags: [{ Key: 'team', Value: 'mine' }],
      },
      { home },
    );
    expect(status).toBe(0);
    const time = expect.any(Number) as number;
    const transition = { StartTime: time, EndTime: time };
    expect(described).toEqual({
      TrainingJobName: name,
      TrainingJobArn: `arn:aws:sagemaker:us-east-1:123456789012:training-job/${name.toLowerCase()}`,
      ModelArtifacts: { S3ModelArtifacts: `s3://outputs/here/${name}/output/model.tar.gz` },
      TrainingJobStatus: 'Completed',
      SecondaryStatus: 'Completed',
      HyperParameters: { epochs: '1' },
      AlgorithmSpecification: {
        TrainingImage: 'optml-shell:latest',
        TrainingInputMode: 'File',
        ContainerEntrypoint: ['sh', '-c', 'echo loss=1.25; echo m > /opt/ml/model/m'],
        MetricDefinitions: [{ Name: 'loss', Regex: 'loss=(.*)' }],
        EnableSageMakerMetricsTimeSeries: false,
      },
      RoleArn: 'arn:aws:iam::123456789012:role/Training',
      InputDataConfig: [
        {
          ChannelName: 'train',
          ContentType: 'text/csv',
          CompressionType: 'None',
          RecordWrapperType: 'None',
          DataSource: {
            S3DataSource: {
              S3DataType: 'S3Prefix',
              S3Uri: 's3://data/train',
              S3DataDistributionType: 'FullyReplicated',
            },
          },
        },
      ],
      OutputDataConfig: { KmsKeyId: '', S3OutputPath: 's3://outputs/here', CompressionType: 'GZIP' },
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 },
      StoppingCondition: { MaxRuntimeInSeconds: 86_400 },
      CreationTime: time,
      TrainingStartTime: time,
      TrainingEndTime: time,
      LastModifiedTime: time,
      TrainingTimeInSeconds: time,
      BillableTimeInSeconds: time,
      SecondaryStatusTransitions: [
        { ...transition, Status: 'Starting', StatusMessage: 'Starting the training job' },
        { ...transition, Status: 'Downloading', StatusMessage: 'Downloading input data' },
        {
          ...transition,
          Status: 'Training',
          StatusMessage: 'Training image download completed. Training in progress.',
        },
        { ...transition, Status: 'Uploading', StatusMessage: 'Uploading generated training model' },
        { ...transition, Status: 'Completed', StatusMessage: 'Training job completed' },
      ],
      FinalMetricDataList: [{ MetricName: 'loss', Value: 1.25, Timestamp: time }],
      EnableNetworkIsolation: false,
      EnableInterContainerTrafficEncryption: false,
      EnableManagedSpotTraining: false,
      ProfilingStatus: 'Disabled',
      Environment: { A: 'b' },
    });
  });

  test('has transitions that follow each other without a gap, in the times of the job', async () => {
    const before = Date.now() / 1000;
    const { described } = await runJob(shellJob('echo x > /opt/ml/model/x'));
    const all = described.SecondaryStatusTransitions;
    for (const [index, one] of all.entries()) {
      const next = all[index + 1];
      expect(one.EndTime).toBe(next === undefined ? one.StartTime : next.StartTime);
      expect(one.EndTime).toBeGreaterThanOrEqual(one.StartTime);
    }
    expect(described['CreationTime']).toBe(all[0]?.StartTime);
    expect(described['CreationTime']).toBeGreaterThanOrEqual(before);
    expect(described['TrainingStartTime']).toBe(all[1]?.StartTime);
    expect(described['TrainingEndTime']).toBe(all.at(-1)?.StartTime);
    expect(described['LastModifiedTime']).toBe(described['TrainingEndTime']);
    expect(described['TrainingEndTime']).toBeLessThanOrEqual(Date.now() / 1000);
  });

  test('is what "optml describe" and "optml ps" say later', async () => {
    const { home, described } = await runJob(shellJob('exit 5'));
    const name = described.TrainingJobName;
    const told = await optml(['describe', name], { home });
    expect(told.status).toBe(0);
    expect(JSON.parse(told.stdout)).toEqual(described);
    const line = await optml(['describe', name.toUpperCase(), '--json'], { home });
    expect(line.stdout.trimEnd().split('\n')).toEqual([JSON.stringify(described)]);
    const list = await optml(['ps', '--json'], { home });
    expect(JSON.parse(list.stdout)).toEqual([
      {
        kind: 'training',
        name,
        status: 'Failed',
        secondaryStatus: 'Failed',
        created: described['CreationTime'],
        ended: described['TrainingEndTime'],
      },
    ]);
    const table = await optml(['ps'], { home });
    expect(table.stdout).toMatch(new RegExp(`^NAME .*\\n${name} +training +Failed `));
  });

  test('of a running job has no end, no artifacts and an open transition', async () => {
    const job = await startJob(shellJob(["trap 'exit 0' TERM", 'echo ready', 'sleep 600 & wait']));
    await job.shows('algo-1 | ready');
    const { stdout } = await optml(['describe', job.name], { home: job.home });
    const described = JSON.parse(stdout) as Described;
    expect(described).toMatchObject({ TrainingJobStatus: 'InProgress', SecondaryStatus: 'Training' });
    for (const member of [
      'ModelArtifacts',
      'TrainingEndTime',
      'TrainingTimeInSeconds',
      'FailureReason',
      'FinalMetricDataList',
    ])
      expect(described).not.toHaveProperty(member);
    expect(described.SecondaryStatusTransitions.map(one => 'EndTime' in one)).toEqual([true, true, false]);
    const list = await optml(['ps', '--json'], { home: job.home });
    expect(JSON.parse(list.stdout)).toMatchObject([{ name: job.name, status: 'InProgress', ended: null }]);
    job.signal('SIGTERM');
    expect((await job.finish()).status).toBe(4);
  });

  test.each(['describe', 'logs', 'stop'])(
    '"optml %s" of a job that is not there says so, with exit status 2',
    async command => {
      const home = await scratch('home');
      const { status, stdout, stderr } = await optml([command, 'absent'], { home });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^optml: Requested resource not found\. .*"absent"/);
    },
  );
});

describe('metrics', () => {
  test('the last value of each that a line shows is in FinalMetricDataList, as a 32-bit float, in whole seconds', async () => {
    const request = shellJob(
      '',
      shell(
        [
          "printf '[1]\\ttrain-rmse:9.5\\n[2]\\ttrain-rmse:1.19876\\n'",
          'echo accuracy=0.5 accuracy=0.25',
          'echo "loss=1e-3" >&2',
        ],
        {
          MetricDefinitions: [
            {
              Name: 'train:rmse',
              Regex: '.*\\[[0-9]+\\].*#011train-rmse:([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*',
            },
            { Name: 'accuracy', Regex: 'accuracy=([0-9.]+)' },
            { Name: 'loss', Regex: 'loss=(?P<value>[0-9.e-]+)' },
            { Name: 'never', Regex: 'never=([0-9]+)' },
          ],
        },
      ),
    );
    const { described } = await runJob(request);
    const found = described.FinalMetricDataList ?? [];
    expect(found.map(one => [one.MetricName, one.Value]).sort()).toEqual([
      ['accuracy', 0.5],
      ['loss', Math.fround(0.001)],
      ['train:rmse', Math.fround(1.19876)],
    ]);
    for (const { Timestamp } of found) expect(Number.isInteger(Timestamp)).toBe(true);
  });
});

test('a pattern that never ends over a line does not stall the job, and a note names it', async () => {
  const { status, described, stderr } = await runJob(
    shellJob(
      '',
      shell(["echo loss=0.5; printf 'a%.0s' $(seq 60); echo '?!'; echo accuracy=0.75"], {
        MetricDefinitions: [
          { Name: 'hostile', Regex: '(?:(a+)+)+!' },
          { Name: 'loss', Regex: 'loss=([0-9.]+)' },
          { Name: 'accuracy', Regex: '(?P<name>accuracy)=[0-9.]+' },
          { Name: 'verbose', Regex: '(?x) accuracy = ([0-9.]+) # after the name' },
        ],
      }),
    ),
  );
  expect(status).toBe(0);
  expect(described.FinalMetricDataList?.map(one => [one.MetricName, one.Value]).sort()).toEqual([
    ['loss', 0.5],
    ['verbose', 0.75],
  ]);
  expect(stderr).toMatch(/may lack values: the pattern of hostile took too long over one line/);
});

test('a bad pattern is refused when the job is created, with what is wrong with it', async () => {
  const algorithm = shell('true', { MetricDefinitions: [{ Name: 'loss', Regex: 'loss=[0-9' }] });
  expect(await refusedJob(shellJob('', algorithm))).toContain(
    "Regex of 'loss' must be a regular expression, but it is 'loss=[0-9': unterminated character set at position 5",
  );
});

describe('logs', () => {
  test('control characters are escaped as in SageMaker, and bytes that are not UTF-8 do no harm', async () => {
    const { home, described } = await runJob(
      shellJob(
        "printf 'tab\\there\\r50%%\\r100%%\\n\\033[31mred\\033[0m\\nbad\\377byte é\\n\\n'; echo err >&2",
      ),
    );
    const { stdout } = await optml(['logs', described.TrainingJobName], { home });
    const lines = stdout.split('\n').slice(0, -1);
    // The engine keeps no order between the two streams.
    expect(lines.filter(line => line !== 'algo-1 | err')).toEqual([
      'algo-1 | tab#011here#01550%#015100%',
      'algo-1 | #033[31mred#033[0m',
      'algo-1 | bad\ufffdbyte é',
      'algo-1 | ',
    ]);
    expect(lines).toContain('algo-1 | err');
  });

  test('the terminal shows the last state of a progress bar, and no control characters', async () => {
    const { log } = await runJob(shellJob("printf '10%%\\r50%%\\r100%%\\n\\033[31mred\\033[2J\\n'"));
    expect(log).toEqual(['100%', 'red']);
  });

  test('--json gives a host, a time in seconds and a message a line', async () => {
    const before = Date.now() / 1000;
    const { home, described } = await runJob(shellJob('echo one; echo two'));
    const { stdout } = await optml(['logs', described.TrainingJobName, '--json'], { home });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { host: string; time: number; message: string });
    expect(lines.map(({ host, message }) => ({ host, message }))).toEqual([
      { host: 'algo-1', message: 'one' },
      { host: 'algo-1', message: 'two' },
    ]);
    for (const { time } of lines) {
      expect(time).toBeGreaterThan(before);
      expect(time).toBeLessThan(Date.now() / 1000);
    }
  });

  test('-f follows a running job to its end', async () => {
    const job = await startJob(shellJob(["trap 'echo last; exit 0' TERM", 'echo first', 'sleep 600 & wait']));
    await job.shows('algo-1 | first');
    const follower = start(['logs', job.name, '-f'], { home: job.home });
    await follower.shows('algo-1 | first');
    job.signal('SIGTERM');
    const { status, stdout } = await follower.ended;
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'algo-1 | first\nalgo-1 | last\n' });
    expect((await job.finish()).status).toBe(4);
  });
});
