import { describe, expect, test } from 'vitest';
import { examineMembers, refuseMembers } from '../../src/job/examine-members.js';
import { MEMBER_TABLE } from '../../src/job/member-table.js';
import { memberPaths } from '../../src/job/shape-table.js';
import { parseTrainingJob } from '../../src/job/training-job.js';
import { covers } from './member-coverage.js';
import { algorithm, channel, resources, SETTINGS, validRequest } from './requests.js';

type Members = Record<string, unknown>;

const PATHS = memberPaths('CreateTrainingJobRequest');

describe('the table is complete', () => {
  test('every member of CreateTrainingJob has exactly one row', () => {
    const rowsOf = (path: string): number => MEMBER_TABLE.filter(row => covers(row.member, path)).length;
    expect(PATHS.filter(path => rowsOf(path) !== 1)).toEqual([]);
  });

  test('every row is about a member that exists', () => {
    const isMember = (row: string): boolean => PATHS.includes(row.replace(/\.\*\*$/, ''));
    expect(MEMBER_TABLE.map(row => row.member).filter(member => !isMember(member))).toEqual([]);
  });

  test('every row says something', () => {
    const isEmpty = MEMBER_TABLE.filter(
      row => row.honoured === undefined && row.difference === undefined && row.refused === undefined,
    );
    expect(isEmpty).toEqual([]);
  });
});

const VPC = { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] };
const RULE = { RuleConfigurationName: 'r', RuleEvaluatorImage: 'i' };
const VPC_IMAGE = { TrainingRepositoryAccessMode: 'Vpc' };
const HUB = { HubContentArn: 'arn:x' };

function group(InstanceGroupName: string, InstanceCount: number, InstanceType = 'ml.m5.large'): Members {
  return { InstanceGroupName, InstanceCount, InstanceType };
}

/** For each difference: a request that asks for it, and where; and one that has the member, but asks for nothing. */
const DIFFERENCES: readonly [row: string, asks: Members, doesNot: Members | null][] = [
  ['RoleArn', {}, { EnableNetworkIsolation: true }],
  [
    'AlgorithmSpecification.EnableSageMakerMetricsTimeSeries',
    algorithm({ EnableSageMakerMetricsTimeSeries: true }),
    algorithm({ EnableSageMakerMetricsTimeSeries: false }),
  ],
  [
    'AlgorithmSpecification.TrainingImageConfig.**',
    algorithm({ TrainingImageConfig: VPC_IMAGE }),
    algorithm({ TrainingImageConfig: { TrainingRepositoryAccessMode: 'Platform' } }),
  ],
  [
    'AlgorithmSpecification.TrainingInputMode',
    algorithm({ TrainingInputMode: 'FastFile' }),
    { ...algorithm({ TrainingInputMode: 'FastFile' }), InputDataConfig: null },
  ],
  [
    'InputDataConfig[].InputMode',
    { InputDataConfig: [channel({ InputMode: 'FastFile' })] },
    { InputDataConfig: [channel({ InputMode: 'File' })] },
  ],
  [
    'OutputDataConfig.KmsKeyId',
    { OutputDataConfig: { S3OutputPath: 's3://b', KmsKeyId: 'k' } },
    { OutputDataConfig: { S3OutputPath: 's3://b', KmsKeyId: '' } },
  ],
  [
    'ResourceConfig.InstanceType',
    resources({ InstanceType: 'ml.trn1.2xlarge' }),
    resources({ InstanceType: 'ml.c6g.xlarge' }),
  ],
  [
    'EnableInterContainerTrafficEncryption',
    { ...resources({ InstanceCount: 2 }), EnableInterContainerTrafficEncryption: true },
    { EnableInterContainerTrafficEncryption: true },
  ],
  [
    'ResourceConfig.InstanceGroups[].InstanceType',
    { ResourceConfig: { InstanceGroups: [group('a', 1, 'ml.trn1.2xlarge')] } },
    { ResourceConfig: { InstanceGroups: [group('a', 1)] } },
  ],
  ['ResourceConfig.VolumeKmsKeyId', resources({ VolumeKmsKeyId: 'k' }), resources({ VolumeKmsKeyId: '' })],
  [
    'ResourceConfig.KeepAlivePeriodInSeconds',
    resources({ KeepAlivePeriodInSeconds: 60 }),
    resources({ KeepAlivePeriodInSeconds: 0 }),
  ],
  [
    'ResourceConfig.TrainingPlanArn',
    resources({ TrainingPlanArn: `arn:aws:sagemaker:us-east-1:123456789012:training-plan/x` }),
    null,
  ],
  [
    'ResourceConfig.InstancePlacementConfig.**',
    resources({ InstancePlacementConfig: { EnableMultipleJobs: true } }),
    resources({ InstancePlacementConfig: {} }),
  ],
  ['VpcConfig.**', { VpcConfig: VPC }, null],
  ['Tags.**', { Tags: [{ Key: 'a', Value: 'b' }] }, { Tags: [] }],
  ['DebugRuleConfigurations.**', { DebugRuleConfigurations: [RULE] }, { DebugRuleConfigurations: [] }],
  [
    'ProfilerConfig.**',
    { ProfilerConfig: { S3OutputPath: 's3://b' } },
    { ProfilerConfig: { DisableProfiler: true } },
  ],
  [
    'ProfilerRuleConfigurations.**',
    { ProfilerRuleConfigurations: [RULE] },
    { ProfilerRuleConfigurations: [] },
  ],
  ['ExperimentConfig.**', { ExperimentConfig: { ExperimentName: 'e' } }, { ExperimentConfig: {} }],
  [
    'RemoteDebugConfig.EnableRemoteDebug',
    { RemoteDebugConfig: { EnableRemoteDebug: true } },
    { RemoteDebugConfig: { EnableRemoteDebug: false } },
  ],
  [
    'InfraCheckConfig.EnableInfraCheck',
    { InfraCheckConfig: { EnableInfraCheck: true } },
    { InfraCheckConfig: { EnableInfraCheck: false } },
  ],
  [
    'SessionChainingConfig.EnableSessionTagChaining',
    { SessionChainingConfig: { EnableSessionTagChaining: true } },
    { SessionChainingConfig: { EnableSessionTagChaining: false } },
  ],
];

/** For each reason to refuse: a request that is refused, the path that is named, and one that is not. */
const REFUSALS: readonly [row: string, asks: Members, path: string, doesNot: Members | null][] = [
  [
    'AlgorithmSpecification.AlgorithmName',
    algorithm({ AlgorithmName: 'a' }),
    'AlgorithmSpecification.AlgorithmName',
    null,
  ],
  ...['Converse'].map(
    type =>
      [
        'InputDataConfig[].DataSource.S3DataSource.S3DataType',
        { InputDataConfig: [channel({}, { S3DataType: type })] },
        'InputDataConfig[0].DataSource.S3DataSource.S3DataType',
        null,
      ] as [string, Members, string, null],
  ),
  [
    'InputDataConfig[].DataSource.S3DataSource.ModelAccessConfig.**',
    { InputDataConfig: [channel({}, { ModelAccessConfig: { AcceptEula: true } })] },
    'InputDataConfig[0].DataSource.S3DataSource.ModelAccessConfig',
    null,
  ],
  [
    'InputDataConfig[].DataSource.S3DataSource.HubAccessConfig.**',
    { InputDataConfig: [channel({}, { HubAccessConfig: HUB })] },
    'InputDataConfig[0].DataSource.S3DataSource.HubAccessConfig',
    null,
  ],
  [
    'InputDataConfig[].DataSource.DatasetSource.**',
    { InputDataConfig: [channel({ DataSource: { DatasetSource: { DatasetArn: '' } } })] },
    'InputDataConfig[0].DataSource.DatasetSource',
    null,
  ],
  [
    'ResourceConfig.InstanceGroups',
    { ResourceConfig: { InstanceGroups: [group('a', 1), group('b', 1, 'ml.m6g.large')] } },
    'ResourceConfig.InstanceGroups',
    { ResourceConfig: { InstanceGroups: [group('a', 2), group('b', 0, 'ml.m6g.large')] } },
  ],
  ...['a*+', '(?>a)', '(a)(?(1)b)', '\\N{DIGIT ONE}', '(?:(a)|b)*', '(?i:a)b'].map(
    Regex =>
      [
        'AlgorithmSpecification.MetricDefinitions[].Regex',
        algorithm({ MetricDefinitions: [{ Name: 'm', Regex }] }),
        'AlgorithmSpecification.MetricDefinitions[0].Regex',
        algorithm({ MetricDefinitions: [{ Name: 'm', Regex: 'a=([0-9]+)' }] }),
      ] as [string, Members, string, Members],
  ),
  ['ServerlessJobConfig.**', { ServerlessJobConfig: { JobType: 'FineTuning' } }, 'ServerlessJobConfig', null],
  ['MlflowConfig.**', { MlflowConfig: { MlflowResourceArn: 'arn' } }, 'MlflowConfig', null],
  [
    'ModelPackageConfig.**',
    { ModelPackageConfig: { ModelPackageGroupArn: 'arn' } },
    'ModelPackageConfig',
    null,
  ],
];

const MLFLOW = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-ABCDEFGHIJKL';

function differencesOf(
  changes: Members,
  row: string,
): readonly { member: string; here: string; why: string }[] {
  const rule = MEMBER_TABLE.find(one => one.member === row)?.difference;
  return examineMembers(validRequest(changes)).differences.filter(
    one => one.here === rule?.here && one.why === rule.why,
  );
}

describe('differences', () => {
  test('each has a request here that asks for it', () => {
    const rows = MEMBER_TABLE.filter(row => row.difference !== undefined).map(row => row.member);
    expect(rows.toSorted()).toEqual(DIFFERENCES.map(([row]) => row).toSorted());
  });

  test.each(DIFFERENCES)('%s', (row, asks, doesNot) => {
    const member = row.replace(/\.\*\*$/, '').replaceAll('[]', '[0]');
    expect(differencesOf(asks, row).map(one => one.member)).toContain(member);
    if (doesNot !== null) expect(differencesOf(doesNot, row).map(one => one.member)).not.toContain(member);
  });

  test('has what was asked, as it was given', () => {
    const { differences } = examineMembers(validRequest({ VpcConfig: VPC }));
    expect(differences.find(one => one.member === 'VpcConfig')).toEqual({
      member: 'VpcConfig',
      asked: VPC,
      here: "one host is on the engine's default network, several on one of the job's own, an isolated one on none",
      why: 'there are no subnets and security groups here',
    });
  });
});

describe('refusals', () => {
  test('each has a request here that is refused', () => {
    const rows = MEMBER_TABLE.flatMap(row => (row.refused ?? []).map(() => row.member));
    const asked = new Set(REFUSALS.map(([row, asks]) => `${row} ${refusalOf(asks, row)?.why ?? ''}`));
    expect(new Set(REFUSALS.map(([row]) => row))).toEqual(new Set(rows));
    expect(asked.size).toBe(rows.length);
  });

  test.each(REFUSALS)('%s: %j', (row, asks, path, doesNot) => {
    expect(examineMembers(validRequest(asks)).refusals.map(one => one.member)).toContain(path);
    if (doesNot !== null) expect(refusalOf(doesNot, row)).toBeUndefined();
  });

  test('one is one sentence with the value, the reason and the way out', () => {
    const { refusals } = examineMembers(validRequest(algorithm({ AlgorithmName: 'mine' })));
    expect(() => refuseMembers(refusals)).toThrow(
      expect.objectContaining({
        code: 'REQUEST_REFUSED',
        message:
          'AlgorithmSpecification.AlgorithmName "mine" is refused: algorithm resources and AWS Marketplace\'s images exist on SageMaker only; name an image in TrainingImage.',
      }),
    );
  });

  test('several are told at once', () => {
    const ResourceConfig = { InstanceGroups: [group('a', 1), group('b', 1, 'ml.m6g.large')] };
    const changes = { ResourceConfig, MlflowConfig: { MlflowResourceArn: MLFLOW } };
    expect(() => parseTrainingJob(validRequest(changes), SETTINGS)).toThrow(
      expect.objectContaining({
        code: 'REQUEST_REFUSED',
        message:
          '2 members of this request are refused. ' +
          'ResourceConfig.InstanceGroups is refused: the one image of the job cannot be of two platforms here; give all groups types of arm64 (Graviton), or none. ' +
          "MlflowConfig is refused: SageMaker's MLflow is not here; leave it out, and give your script a tracking server through Environment.",
      }),
    );
  });
});

function refusalOf(changes: Members, row: string): { why: string } | undefined {
  const rules = MEMBER_TABLE.find(one => one.member === row)?.refused ?? [];
  const pattern = row.replace(/\.\*\*$/, '').replaceAll('[]', '[0]');
  return examineMembers(validRequest(changes)).refusals.find(
    one => one.member.replaceAll(/\[\d+\]/g, '[0]') === pattern && rules.some(rule => rule.why === one.why),
  );
}
