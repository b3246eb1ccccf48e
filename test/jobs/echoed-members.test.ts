/** What has a meaning on AWS only: the job runs, Describe has it as it was given, and each is listed as a difference. */
import { expect, test } from 'vitest';
import { refusedJob, runJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { processingJob } from '../harness/processing.js';
import { shellJob, writeRequest, type Request } from '../harness/requests.js';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/0a1b';
const VPC = { SecurityGroupIds: ['sg-0123456789abcdef0'], Subnets: ['subnet-0123456789abcdef0'] };
const EXPERIMENT = { ExperimentName: 'digits', TrialName: 'first', TrialComponentDisplayName: 'training' };
const TAGS = [{ Key: 'team', Value: 'vision' }];

const TRAINING = shellJob('true', {
  OutputDataConfig: { S3OutputPath: 's3://outputs/here', KmsKeyId: KEY },
  ResourceConfig: {
    InstanceType: 'ml.m5.large',
    InstanceCount: 2,
    VolumeSizeInGB: 10,
    VolumeKmsKeyId: KEY,
    KeepAlivePeriodInSeconds: 600,
  },
  VpcConfig: VPC,
  EnableInterContainerTrafficEncryption: true,
  ExperimentConfig: EXPERIMENT,
  Tags: TAGS,
});

const PROCESSING = processingJob(['true'], {
  ProcessingOutputConfig: { Outputs: [], KmsKeyId: KEY },
  ProcessingResources: {
    ClusterConfig: {
      InstanceType: 'ml.m5.large',
      InstanceCount: 2,
      VolumeSizeInGB: 10,
      VolumeKmsKeyId: KEY,
    },
  },
  NetworkConfig: { EnableInterContainerTrafficEncryption: true, VpcConfig: VPC },
  ExperimentConfig: EXPERIMENT,
  Tags: TAGS,
});

/** Of each kind: what is not honoured, and what Describe leaves as it was. */
const KINDS: readonly [kind: string, request: Request, members: readonly string[]][] = [
  [
    'training',
    TRAINING,
    [
      'OutputDataConfig.KmsKeyId',
      'ResourceConfig.VolumeKmsKeyId',
      'ResourceConfig.KeepAlivePeriodInSeconds',
      'VpcConfig',
      'EnableInterContainerTrafficEncryption',
      'ExperimentConfig',
      'Tags',
    ],
  ],
  [
    'processing',
    PROCESSING,
    [
      'ProcessingOutputConfig.KmsKeyId',
      'ProcessingResources.ClusterConfig.VolumeKmsKeyId',
      'NetworkConfig.VpcConfig',
      'NetworkConfig.EnableInterContainerTrafficEncryption',
      'ExperimentConfig',
      'Tags',
    ],
  ],
];

test.each(KINDS)('%s', async (_, request, members) => {
  const home = await scratch('home');
  const planned = await optml(['plan', await writeRequest(home, request)], { home });
  const { differences } = JSON.parse(planned.stdout) as {
    readonly differences: readonly { readonly member: string; readonly asked: unknown }[];
  };
  expect(
    differences
      .map(one => one.member)
      .filter(member => member !== 'RoleArn')
      .sort(),
  ).toEqual([...members].sort());
  for (const { member, asked } of differences) expect(asked).toEqual(at(request, member));

  const { status, described, stderr } = await runJob(request, { home });
  expect(status).toBe(0);
  for (const member of members) {
    expect(stderr).toContain(`differs  ${member}: `);
    // ListTags has them.
    expect(at(described, member)).toEqual(member === 'Tags' ? undefined : at(request, member));
  }
  expect(await refusedJob(request, { home, args: ['--strict'] })).toContain(members[0]);
});

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner, name) => (inner as Record<string, unknown>)[name], value);
}
