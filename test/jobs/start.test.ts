/** How the container is started: entrypoint, arguments, user, folder, environment, host name (contract §1.1, §1.4, §1.16). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runJob } from '../harness/job.js';
import { jobName, shell, shellJob, type Request } from '../harness/requests.js';

const ROOT = join(import.meta.dirname, '../..');

/** Its entrypoint prints each argument in brackets; its command is `command-of-the-image`. */
const ARGUMENTS = 'optml-arguments:latest';
const USER_1000 = 'optml-user-1000:latest';

function algorithm(members: Request): Request {
  return { AlgorithmSpecification: { TrainingInputMode: 'File', TrainingImage: ARGUMENTS, ...members } };
}

describe('entrypoint and arguments', () => {
  test('with neither, the entrypoint of the image gets "train" in place of its command', async () => {
    const { status, log } = await runJob(shellJob('', algorithm({})));
    expect({ status, log }).toEqual({ status: 0, log: ['<train>'] });
  });

  test('arguments alone go to the entrypoint of the image, word for word, in place of "train"', async () => {
    const words = ['--rate', '0.1', 'two words', '$HOME', '"quoted"', 'naïve'];
    const { status, log } = await runJob(shellJob('', algorithm({ ContainerArguments: words })));
    expect({ status, log }).toEqual({ status: 0, log: words.map(word => `<${word}>`) });
  });

  test('an entrypoint alone runs with its own words: no "train", and no command of the image', async () => {
    const entrypoint = ['sh', '-c', 'echo "$# arguments: $*"', 'sh', 'own'];
    const { status, log } = await runJob(shellJob('', algorithm({ ContainerEntrypoint: entrypoint })));
    expect({ status, log }).toEqual({ status: 0, log: ['1 arguments: own'] });
  });

  test('with both, the arguments follow the words of the entrypoint', async () => {
    const { status, log } = await runJob(
      shellJob(
        '',
        algorithm({
          ContainerEntrypoint: ['printf', '[%s]\\n', 'own'],
          ContainerArguments: ['a b', 'train'],
        }),
      ),
    );
    expect({ status, log }).toEqual({ status: 0, log: ['[own]', '[a b]', '[train]'] });
  });

  test('an image without an entrypoint is started as "train", which its PATH finds: the digits job', async () => {
    const request = JSON.parse(
      await readFile(join(ROOT, 'fixtures/requests/digits.json'), 'utf8'),
    ) as Request;
    const job = {
      ...request,
      TrainingJobName: jobName('digits'),
      OutputDataConfig: { S3OutputPath: 's3://outputs/here' },
    };
    const ended = await runJob(job, {
      args: ['--map', `s3://optml-demo/digits=${join(ROOT, 'fixtures/digits')}`],
    });
    expect(ended.status).toBe(0);
    const metrics = new Map(ended.described.FinalMetricDataList?.map(one => [one.MetricName, one.Value]));
    expect([...metrics.keys()]).toEqual(['train:loss', 'validation:accuracy']);
    expect(metrics.get('validation:accuracy')).toBeGreaterThan(0.9);
    expect(await readFile(ended.output('model.tar.gz'))).not.toHaveLength(0);
  });
});

describe('the image', () => {
  test('its user, working folder and code under /opt/ml hold', async () => {
    const { status, log } = await runJob(
      shellJob('', shell('id -u; pwd; cat /opt/ml/code/hello.txt', { TrainingImage: USER_1000 })),
    );
    expect({ status, log }).toEqual({ status: 0, log: ['1000', '/work', 'hello from the image'] });
  });

  test('a root image runs as root in the folder that it names', async () => {
    const { status, log } = await runJob(
      shellJob('', shell('id -u; pwd; echo $HOME', { TrainingImage: ARGUMENTS })),
    );
    expect({ status, log }).toEqual({ status: 0, log: ['0', '/srv', '/root'] });
  });

  test('the container has no terminal, and its input is at its end', async () => {
    const line = 'for n in 0 1 2; do test -t $n && echo terminal $n; done; cat; echo end of input';
    const { status, log } = await runJob(shellJob(line));
    expect({ status, log }).toEqual({ status: 0, log: ['end of input'] });
  });

  test('it gets more shared memory than the 64 MiB of Docker', async () => {
    const { log } = await runJob(shellJob('df --output=size -B1048576 /dev/shm | tail -n 1'));
    expect(Number(log[0])).toBeGreaterThan(64);
  });
});

describe('the environment', () => {
  test("is the image's, the platform's and the request's, and nothing of the user's shell", async () => {
    const name = jobName('Case-Kept');
    const environment = {
      REPLACED: 'by-the-request',
      QUOTED: `"double" 'single' $HOME \`id\` \\ back`,
      EQUALS: 'a=b=c',
      LINES: 'one\ntwo',
      UNICODE: 'naïve 日本 😀',
      EMPTY: '',
    };
    const { output } = await runJob(
      shellJob('', {
        ...shell('cp /proc/1/environ /opt/ml/model/environ', { TrainingImage: ARGUMENTS }),
        TrainingJobName: name,
        Environment: environment,
        OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType: 'NONE' },
      }),
      {
        env: {
          AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
          AWS_SECRET_ACCESS_KEY: 'not-for-containers',
          AWS_SESSION_TOKEN: 'not-for-containers',
          AWS_PROFILE: 'mine',
          MINE: 'own',
        },
      },
    );
    const text = await readFile(output('model/environ'), 'utf8');
    const pairs = text.split('\0').slice(0, -1);
    const seen = Object.fromEntries(
      pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
    // The way to the store, with keys of the job's own: never the user's.
    const address = expect.stringMatching(/^http:\/\/[\d.]+:\d+$/) as unknown;
    expect(seen).toEqual({
      AWS_ENDPOINT_URL_S3: address,
      S3_ENDPOINT_URL: address,
      AWS_ACCESS_KEY_ID: expect.stringMatching(/^OPTML/) as unknown,
      AWS_SECRET_ACCESS_KEY: expect.not.stringContaining('not-for-containers') as unknown,
      AWS_CA_BUNDLE: '/opt/optml/authorities.pem',
      NODE_EXTRA_CA_CERTS: '/opt/optml/authority.pem',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      HOSTNAME: 'algo-1',
      FROM_IMAGE: 'kept',
      TRAINING_JOB_NAME: name,
      TRAINING_JOB_ARN: `arn:aws:sagemaker:us-east-1:123456789012:training-job/${name.toLowerCase()}`,
      AWS_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_ECS_EC2',
      DMLC_INTERFACE: 'eth0',
      NVIDIA_VISIBLE_DEVICES: 'void',
      ...environment,
    });
  });

  test('AWS_REGION and the ARN follow --region', async () => {
    const job = shellJob('echo $AWS_REGION; echo $TRAINING_JOB_ARN');
    const { log } = await runJob(job, { args: ['--region', 'eu-west-3'] });
    const name = String(job['TrainingJobName']);
    expect(log).toEqual(['eu-west-3', `arn:aws:sagemaker:eu-west-3:123456789012:training-job/${name}`]);
  });
});

describe('the host', () => {
  test('is called algo-1, which resolves to an address of its own', async () => {
    const { status, log } = await runJob(
      shellJob("hostname; getent hosts algo-1 | awk '{ print $1 }'; hostname -I | tr -d ' '"),
    );
    expect(status).toBe(0);
    expect(log[0]).toBe('algo-1');
    expect(log[1]).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(log[2]).toBe(log[1]);
  });

  test('under network isolation it has no network, and algo-1 still resolves', async () => {
    const { status, log } = await runJob(
      shellJob('hostname; getent hosts algo-1 | tr -s " "; grep -c eth /proc/net/dev; true', {
        EnableNetworkIsolation: true,
      }),
    );
    expect({ status, log }).toEqual({ status: 0, log: ['algo-1', '127.0.0.1 algo-1', '0'] });
  });
});
