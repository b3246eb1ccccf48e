import { expect, test } from 'vitest';
import { kindOfRequest } from '../../src/job/kind.js';
import { validRequest } from './requests.js';

test('a request with TrainingJobName is for a training job', () => {
  expect(kindOfRequest(validRequest(), 'job.json')).toBe('training');
});

test('a training job is recognised when its name is missing or misspelt, so that the message can be about the name', () => {
  expect(kindOfRequest({ TrainingJobname: 'a', AlgorithmSpecification: {} }, 'job.json')).toBe('training');
});

test('a request with ProcessingJobName or members of its own is for a processing job', () => {
  expect(kindOfRequest({ ProcessingJobName: 'a' }, 'job.json')).toBe('processing');
  expect(kindOfRequest({ AppSpecification: {} }, 'job.json')).toBe('processing');
});

test.each([
  [{ TransformJobName: 'a' }, 'CreateTransformJob (TransformJobName), and optml does not run transform jobs'],
])('kinds that are not run are refused by name: %j', (request, words) => {
  expect(() => kindOfRequest(request, 'job.json')).toThrow(
    expect.objectContaining({
      code: 'REQUEST_REFUSED',
      message: `job.json: this is a request of ${words}: give it a request of CreateTrainingJob or CreateProcessingJob.`,
    }),
  );
});

test.each([
  [{}, 'it has no members'],
  [{ Foo: 1, constructor: 2 }, 'its members are Foo, constructor'],
  [{ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 }, 'its members are a, b, c, d, e …'],
])('anything else cannot be told: %j', (request, words) => {
  expect(() => kindOfRequest(request, '-')).toThrow(
    expect.objectContaining({
      code: 'REQUEST_UNREADABLE',
      message:
        `Standard input: the kind of job cannot be told: ${words}, ` +
        'but a request with TrainingJobName, ProcessingJobName or TransformJobName was expected.',
    }),
  );
});
