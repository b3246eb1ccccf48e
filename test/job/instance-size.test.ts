import { expect, test } from 'vitest';
import { instanceSize, knownFamilies } from '../../src/job/instance-size.js';
import { hasGpus, isInstanceType } from '../../src/job/instance-type.js';
import { shapeNamed } from '../../src/job/shape-table.js';

const GIB = 2 ** 30;

test.each([
  ['ml.m5.large', 2, 8, 0],
  ['ml.m5.4xlarge', 16, 64, 0],
  ['ml.m4.10xlarge', 40, 160, 0],
  ['ml.c5.xlarge', 4, 8, 0],
  ['ml.c5.18xlarge', 72, 144, 0],
  ['ml.c4.8xlarge', 36, 60, 0],
  ['ml.c5n.9xlarge', 36, 96, 0],
  ['ml.r5.12xlarge', 48, 384, 0],
  ['ml.m6g.16xlarge', 64, 256, 0],
  ['ml.t3.medium', 2, 4, 0],
  ['ml.p3.2xlarge', 8, 61, 1],
  ['ml.g4dn.12xlarge', 48, 192, 4],
  ['ml.g5.48xlarge', 192, 768, 8],
  ['ml.p4d.24xlarge', 96, 1152, 8],
  ['ml.trn1.32xlarge', 128, 512, 0],
])('%s has %d vCPUs, %d GiB and %d GPUs', (type, vcpus, gib, gpus) => {
  expect(instanceSize(type)).toEqual({ vcpus, memoryBytes: gib * GIB, gpus });
});

test.each(['ml.m5.huge', 'ml.m5.9xlarge', 'ml.m99.large', 'm5.large', 'ml.toString', 'ml.p3.large', ''])(
  'the machine of %j is not known',
  type => {
    expect(instanceSize(type)).toBeNull();
  },
);

const shape = shapeNamed('TrainingInstanceType');
const TYPES = shape.type === 'string' ? (shape.enum ?? []) : [];

test("of the types in AWS's model, all but the newest GPUs are known", () => {
  const unknown = TYPES.filter(type => instanceSize(type) === null);
  expect(TYPES.length).toBeGreaterThan(100);
  expect([...new Set(unknown.map(type => type.split('.')[1]))].sort()).toEqual([
    'g7',
    'g7e',
    'p6-b300',
    'p6e-gb200',
  ]);
});

test('a type has GPUs when its name says so', () => {
  const known = TYPES.filter(type => instanceSize(type) !== null);
  expect(known.filter(type => (instanceSize(type)?.gpus ?? 0) > 0 !== hasGpus(type))).toEqual([]);
  expect(knownFamilies().every(family => isInstanceType(`ml.${family}.large`))).toBe(true);
});
