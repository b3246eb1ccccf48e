import { expect, test } from 'vitest';
import { hasGpus, isAccelerated, isInstanceType, platformOf } from '../../src/job/instance-type.js';
import { shapeNamed } from '../../src/job/shape-table.js';

test.each([
  ...[
    'c6g',
    'c6gn',
    'c7g',
    'c7gd',
    'c8g',
    'm6g',
    'm6gd',
    'm7g',
    'm8g',
    'r6g',
    'r7g',
    'r8g',
    't4g',
    'x2gd',
    'im4gn',
  ],
  ...['g5g', 'p6e-gb200'],
])('ml.%s runs arm64', family => {
  expect(platformOf(`ml.${family}.xlarge`)).toBe('linux/arm64');
});

test.each([
  'm5',
  'c5n',
  'g4dn',
  'g5',
  'g6',
  'g6e',
  'g7e',
  'p4de',
  'p5en',
  'p6-b200',
  'trn1n',
  'm7i',
  'r5d',
  't3',
  'gr6',
])('ml.%s runs amd64', family => {
  expect(platformOf(`ml.${family}.xlarge`)).toBe('linux/amd64');
});

const GPUS = ['p2', 'p3dn', 'p4de', 'p5en', 'p6-b200', 'p6e-gb200', 'g4dn', 'g5', 'g5g', 'g6e', 'g7', 'gr6'];
const ACCELERATORS = ['trn1n', 'trn2', 'inf2', 'dl1', 'vt1', 'g4ad'];
const NEITHER = ['c6g', 'm6gd', 't4g', 'm5', 'r7i', 'x2gd', 't3'];

test.each([
  ...GPUS.map(family => [family, true, false] as const),
  ...ACCELERATORS.map(family => [family, false, true] as const),
  ...NEITHER.map(family => [family, false, false] as const),
])('ml.%s has NVIDIA GPUs: %s, other accelerators: %s', (family, gpus, accelerated) => {
  expect(hasGpus(`ml.${family}.xlarge`)).toBe(gpus);
  expect(isAccelerated(`ml.${family}.xlarge`)).toBe(accelerated);
});

test("every type of AWS's model is well-formed, and so is one that it does not have yet", () => {
  const shape = shapeNamed('TrainingInstanceType');
  const types = shape.type === 'string' ? (shape.enum ?? []) : [];
  expect(types.length).toBeGreaterThan(100);
  expect(types.filter(type => !isInstanceType(type))).toEqual([]);
  expect(isInstanceType('ml.m9g.metal-24xl')).toBe(true);
});

test.each([
  'local',
  'm5.large',
  'ml.m5',
  'ml..large',
  'ml.m5.large ',
  'ML.m5.large',
  `ml.${'a'.repeat(99_999)}.b`,
])('%s is not a type', name => {
  expect(isInstanceType(name)).toBe(false);
});
