import { describe, expect, test } from 'vitest';
import { examineMembers } from '../../src/job/examine-members.js';
import { PROCESSING_MEMBER_TABLE } from '../../src/job/processing-member-table.js';
import { memberPaths } from '../../src/job/shape-table.js';
import { covers } from './member-coverage.js';
import { cluster, input, output, outputs, validProcessing } from './processing-requests.js';

type Members = Record<string, unknown>;

const PATHS = memberPaths('CreateProcessingJobRequest');

describe('the table is complete', () => {
  test('every nested member of CreateProcessingJob has exactly one row', () => {
    const rowsOf = (path: string): number =>
      PROCESSING_MEMBER_TABLE.filter(row => covers(row.member, path)).length;
    expect(PATHS.filter(path => rowsOf(path) !== 1)).toEqual([]);
  });

  test('every row is about a member that exists, and says something', () => {
    const isMember = (row: string): boolean => PATHS.includes(row.replace(/\.\*\*$/, ''));
    const wrong = PROCESSING_MEMBER_TABLE.filter(
      row =>
        !isMember(row.member) ||
        (row.honoured === undefined && row.difference === undefined && row.refused === undefined),
    );
    expect(wrong).toEqual([]);
  });
});

/** For each difference: a request that asks for it, and one that has the member, but asks for nothing. */
const DIFFERENCES: readonly [member: string, asks: Members, doesNot: Members | null][] = [
  [
    'NetworkConfig.EnableInterContainerTrafficEncryption',
    {
      NetworkConfig: { EnableInterContainerTrafficEncryption: true },
      ProcessingResources: cluster({ InstanceCount: 2 }),
    },
    { NetworkConfig: { EnableInterContainerTrafficEncryption: true } },
  ],
  [
    'ProcessingInputs[0].S3Input.S3InputMode',
    { ProcessingInputs: [input({ S3InputMode: 'Pipe' })] },
    { ProcessingInputs: [input({ S3InputMode: 'File' })] },
  ],
  ['RoleArn', {}, { NetworkConfig: { EnableNetworkIsolation: true } }],
  [
    'ProcessingInputs[0].DatasetDefinition',
    { ProcessingInputs: [{ InputName: 'a', DatasetDefinition: { LocalPath: '/opt/ml/processing/a' } }] },
    { ProcessingInputs: [{ InputName: 'a', AppManaged: true, DatasetDefinition: {} }] },
  ],
  [
    'ProcessingOutputConfig.KmsKeyId',
    { ProcessingOutputConfig: { Outputs: [], KmsKeyId: 'k' } },
    { ProcessingOutputConfig: { Outputs: [], KmsKeyId: '' } },
  ],
  [
    'ProcessingResources.ClusterConfig.InstanceType',
    { ProcessingResources: cluster({ InstanceType: 'ml.trn1.2xlarge' }) },
    { ProcessingResources: cluster({ InstanceType: 'ml.c6g.xlarge' }) },
  ],
  [
    'ProcessingResources.ClusterConfig.VolumeKmsKeyId',
    { ProcessingResources: cluster({ VolumeKmsKeyId: 'k' }) },
    { ProcessingResources: cluster({ VolumeKmsKeyId: '' }) },
  ],
  [
    'NetworkConfig.VpcConfig',
    { NetworkConfig: { VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] } } },
    null,
  ],
  ['Tags', { Tags: [{ Key: 'a', Value: 'b' }] }, { Tags: [] }],
  ['ExperimentConfig', { ExperimentConfig: { ExperimentName: 'e' } }, { ExperimentConfig: {} }],
];

describe('differences', () => {
  test('each has a request here that asks for it', () => {
    const rows = PROCESSING_MEMBER_TABLE.flatMap(row => (row.difference === undefined ? [] : [row.member]));
    expect(rows.map(row => row.replace(/\.\*\*$/, '').replaceAll('[]', '[0]')).toSorted()).toEqual(
      DIFFERENCES.map(([member]) => member).toSorted(),
    );
  });

  test.each(DIFFERENCES)('%s', (member, asks, doesNot) => {
    expect(differing(asks)).toContain(member.replaceAll('[]', '[0]'));
    if (doesNot !== null) expect(differing(doesNot)).not.toContain(member.replaceAll('[]', '[0]'));
  });
});

/** For each reason to refuse: a request that is refused, and the path that is named. */
const REFUSALS: readonly [path: string, asks: Members][] = [
  [
    'ProcessingInputs[0].S3Input.S3InputMode',
    {
      ProcessingInputs: [input({ S3InputMode: 'Pipe' })],
      ...outputs(output({ LocalPath: '/opt/ml/processing/input_0' })),
    },
  ],
  [
    'ProcessingInputs[0].DatasetDefinition',
    { ProcessingInputs: [{ InputName: 'a', DatasetDefinition: { InputMode: 'Pipe' } }] },
  ],
  [
    'ProcessingOutputConfig.Outputs[0].FeatureStoreOutput',
    outputs({ OutputName: 'f', AppManaged: true, FeatureStoreOutput: { FeatureGroupName: 'g' } }),
  ],
];

describe('refusals', () => {
  test('each has a request here that is refused, and an ordinary request has none', () => {
    const rows = PROCESSING_MEMBER_TABLE.flatMap(row => (row.refused ?? []).map(() => row.member));
    expect(rows.map(row => row.replace(/\.\*\*$/, '').replaceAll('[]', '[0]')).toSorted()).toEqual(
      REFUSALS.map(([path]) => path).toSorted(),
    );
    expect(refused({})).toEqual([]);
  });

  test.each(REFUSALS)('%s', (path, asks) => {
    expect(refused(asks)).toEqual([path]);
  });
});

function differing(changes: Members): string[] {
  return examineMembers(validProcessing(changes), PROCESSING_MEMBER_TABLE).differences.map(one => one.member);
}

function refused(changes: Members): string[] {
  return examineMembers(validProcessing(changes), PROCESSING_MEMBER_TABLE).refusals.map(one => one.member);
}
