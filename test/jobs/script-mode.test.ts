/** AWS's own Training Toolkit in a container (contract §1.18): the source tarball, hosts' names, failure file, isolation. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { objectFile } from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { runJob, seesNothingLeft, type Described } from '../harness/job.js';
import { afterThis, optml, scratch } from '../harness/optml.js';
import { asOrdinaryUser } from '../harness/ordinary-user.js';
import { channel, jobName, type Request } from '../harness/requests.js';
import { expectTrained } from '../harness/trained.js';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const TEXT = await readFile(join(ROOT, 'fixtures/requests/script-mode.yaml'), 'utf8');
const EXAMPLE = parse(TEXT) as Request;
const CODE = join(ROOT, 'fixtures/code');

test('the example, as its comment says: two hosts fetch the tarball with keys of the job, and train together', async () => {
  const user = await scratch('user');
  const home = join(user, '.optml');
  const commands = TEXT.split('\n').flatMap(line => /^# {3}(.*)$/.exec(line)?.[1] ?? []);
  expect(commands.length).toBeGreaterThan(2);
  const { stderr } = await run('sh', ['-euc', commands.join('\n')], {
    cwd: ROOT,
    env: {
      ...process.env,
      PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
      HOME: user,
      OPTML_HOME: home,
    },
  });
  await seesNothingLeft(home, 'example-script-mode');
  const { stdout } = await optml(['describe', 'example-script-mode'], { home });
  const described = JSON.parse(stdout) as Described;
  expect(described.FinalMetricDataList?.[0]?.Value).toBeGreaterThan(0.9);
  await expectTrained({ home, described, stderr }, 2);
});

test('isolated, they find it in a channel, and each other; an ordinary user runs them', async () => {
  const request = isolated('/opt/ml/input/data/code/sourcedir.tar.gz', 's3://optml-demo/source/');
  await expectTrained(await runJob(request, await asOrdinaryUser(await homeWithData())), 2);
});

test('alone and isolated, it finds its own name, and source files in a folder', async () => {
  const request = isolated('/opt/ml/input/data/code', 's3://optml-demo/code/', 1);
  const args = ['--map', `s3://optml-demo/code=${CODE}`];
  await expectTrained(await runJob(request, { home: await homeWithData(), args }), 1);
});

test('isolated, it cannot fetch the tarball from S3, and says so', async () => {
  const request = example({ EnableNetworkIsolation: true, ResourceConfig: resources(1) });
  const { described } = await runJob(request, { home: await homeWithData() });
  expect(described.FailureReason).toMatch(/^AlgorithmError: Framework Error: [^]*boto3/);
});

test('isolated, code of the image stays where it is', async () => {
  const image = jobName('optml-test-baked');
  const folder = await scratch('image');
  await cp(CODE, folder, { recursive: true });
  const lines = [
    'FROM optml-script-mode:latest',
    'ENV SAGEMAKER_PROGRAM=train.py',
    'COPY *.py /opt/ml/code/',
  ];
  await writeFile(join(folder, 'Dockerfile'), lines.join('\n'));
  await docker('build', '--quiet', '--force-rm', '--tag', image, folder);
  afterThis(async () => {
    await docker('rmi', image);
  });
  const request = example({
    AlgorithmSpecification: { TrainingImage: image, TrainingInputMode: 'File' },
    EnableNetworkIsolation: true,
    HyperParameters: { epochs: '2' },
    ResourceConfig: resources(1),
  });
  await expectTrained(await runJob(request, { home: await homeWithData() }), 1);
});

test('what the toolkit uploads itself while the script runs is in the store', async () => {
  const home = await homeWithData();
  const folder = await scratch('code');
  await writeFile(join(folder, 'write.sh'), 'echo 7 > "$SM_OUTPUT_INTERMEDIATE_DIR/step"');
  await run('tar', ['-czf', objectFile(home, 's3://optml-demo/source/sourcedir.tar.gz'), '-C', folder, '.']);
  const { described } = await runJob(
    example({
      HyperParameters: {
        ...HYPERPARAMETERS,
        sagemaker_program: '"write.sh"',
        sagemaker_s3_output: '"s3://outputs/intermediate"',
      },
      ResourceConfig: resources(1),
    }),
    { home },
  );
  expect(described.TrainingJobStatus).toBe('Completed');
  const uri = `s3://outputs/intermediate/${described.TrainingJobName}/output/intermediate/step`;
  expect(await readFile(objectFile(home, uri), 'utf8')).toBe('7\n');
});

test("the toolkit's failure file is the FailureReason", async () => {
  const request = example({ HyperParameters: { ...HYPERPARAMETERS, epochs: '"many"' } });
  const { status, described, stderr } = await runJob(request, { home: await homeWithData() });
  expect({ status, ended: described.TrainingJobStatus }).toEqual({ status: 1, ended: 'Failed' });
  expect(described.FailureReason).toBe(
    [
      'AlgorithmError: ExecuteUserScriptError:',
      'ExitCode 2',
      'ErrorMessage ""',
      'Command "/opt/script-mode/bin/python3 -- train.py --epochs many --learning-rate 0.5", exit code: 1',
    ].join('\n'),
  );
  expect(stderr).toContain("train.py: error: argument --epochs: invalid int value: 'many'");
});

const HYPERPARAMETERS = EXAMPLE['HyperParameters'] as Readonly<Record<string, string>>;

/** The example, under a name of its own. */
function example(members: Request = {}): Request {
  return {
    ...EXAMPLE,
    TrainingJobName: jobName('script-mode'),
    OutputDataConfig: { S3OutputPath: 's3://outputs/here' },
    ...members,
  };
}

/** The same without a way to S3: the code comes as a channel, as the SDK sends it then (contract §1.16). */
function isolated(submitDirectory: string, code: string, count = 2): Request {
  const sagemaker_submit_directory = JSON.stringify(submitDirectory);
  return example({
    EnableNetworkIsolation: true,
    HyperParameters: { ...HYPERPARAMETERS, sagemaker_submit_directory },
    InputDataConfig: [...(EXAMPLE['InputDataConfig'] as object[]), channel('code', code)],
    ResourceConfig: resources(count),
  });
}

function resources(InstanceCount: number): Request {
  return { InstanceType: 'ml.m5.large', InstanceCount, VolumeSizeInGB: 10 };
}

/** A home in whose store are the source tarball and the digits. */
async function homeWithData(): Promise<string> {
  const home = await scratch('home');
  const tarball = objectFile(home, 's3://optml-demo/source/sourcedir.tar.gz');
  await mkdir(dirname(tarball), { recursive: true });
  await run('tar', ['-czf', tarball, '-C', CODE, '.']);
  await cp(join(ROOT, 'fixtures/digits'), objectFile(home, 's3://optml-demo/digits'), { recursive: true });
  return home;
}
