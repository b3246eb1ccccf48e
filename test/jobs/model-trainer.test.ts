/** What the ModelTrainer of the SageMaker Python SDK sends, with its own scripts (contract §1.19): they write into /opt/ml/input. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { objectFile } from '../harness/aftermath.js';
import { runJob } from '../harness/job.js';
import { installModelTrainer, modelTrainerRequest, type Trainer } from '../harness/model-trainer.js';
import { scratch } from '../harness/optml.js';
import { asOrdinaryUser } from '../harness/ordinary-user.js';
import { expectTrained } from '../harness/trained.js';

const FIXTURES = join(import.meta.dirname, '../../fixtures');

const TRAINER: Trainer = {
  sourceDir: join(FIXTURES, 'code'),
  entryScript: 'train.py',
  hyperparameters: { epochs: 3, 'learning-rate': 0.25 },
  channels: { train: 's3://optml-demo/digits/train/' },
  instanceCount: 2,
};

beforeAll(installModelTrainer, 10 * 60_000);

test('two hosts train together', async () => {
  const home = await homeWithDigits();
  const ended = await runJob(await modelTrainerRequest(home, TRAINER), { home });
  await expectTrained(ended, 2);
  for (const host of ['algo-1', 'algo-2'])
    expect(ended.logOf(host)).toContain('Training Container Execution Completed');
});

test('the request is the one that is known, and runs isolated, for an ordinary user', async () => {
  const home = await homeWithDigits();
  const request = await modelTrainerRequest(home, { ...TRAINER, isolated: true });
  expect(request).toMatchObject({
    HyperParameters: { epochs: '3', 'learning-rate': '0.25' },
    AlgorithmSpecification: {
      TrainingInputMode: 'File',
      ContainerEntrypoint: ['/bin/bash'],
      ContainerArguments: ['-c', expect.stringMatching(/^chmod \+x .*\/sm_train\.sh && .*\/sm_train\.sh$/)],
    },
    InputDataConfig: ['train', 'code', 'sm_drivers'].map(ChannelName => ({ ChannelName, InputMode: 'File' })),
    EnableNetworkIsolation: true,
  });
  await expectTrained(await runJob(request, await asOrdinaryUser(home)), 2);
});

test('what the scripts write into the failure file is the FailureReason', async () => {
  const home = await homeWithDigits();
  const request = await modelTrainerRequest(home, {
    ...TRAINER,
    hyperparameters: { epochs: 'many' },
    instanceCount: 1,
  });
  const { status, described } = await runJob(request, { home });
  expect(status).toBe(1);
  expect(described.FailureReason).toBe(
    [
      'AlgorithmError: Traceback (most recent call last):',
      '  File "/opt/ml/input/data/sm_drivers/common/utils.py", line 193, in execute_commands',
      '    raise subprocess.CalledProcessError(exitcode, commands)',
      "subprocess.CalledProcessError: Command '['/opt/script-mode/bin/python3', 'train.py', '--epochs', 'many']' returned non-zero exit status 2.",
      ', exit code: 2',
    ].join('\n'),
  );
});

async function homeWithDigits(): Promise<string> {
  const home = await scratch('home');
  await cp(join(FIXTURES, 'digits'), objectFile(home, 's3://optml-demo/digits'), { recursive: true });
  return home;
}
