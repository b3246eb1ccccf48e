/** The plan of a processing job (contract §2.1–2.7), with no store and no engine. */
import { describe, expect, test } from 'vitest';
import { parseProcessingJob } from '../../src/job/processing-job.js';
import { planJob, type HostPlan, type Plan } from '../../src/plan/plan.js';
import { input, output, outputs, validProcessing } from '../job/processing-requests.js';
import { SETTINGS } from '../job/requests.js';
import { capture } from './plans.js';

type Members = Record<string, unknown>;

function planOf(changes: Members = {}): Plan {
  return planJob(parseProcessingJob(validProcessing(changes), SETTINGS), { storeAccess: true });
}

function hostOf(changes: Members = {}): HostPlan {
  const [host] = planOf(changes).hosts;
  if (host === undefined) throw new Error('a plan has a host');
  return host;
}

/** The request behind a captured file: its account is not shown there. */
function requestOf(text: string): Members {
  const { ProcessingJobArn, ...request } = JSON.parse(text.replaceAll('XXXXXXXXXXXX', '123456789012')) as {
    ProcessingJobArn: string;
    ProcessingInputs: { S3Input: Members }[];
    ProcessingOutputConfig: Members;
    ProcessingResources: { ClusterConfig: Members };
  };
  expect(ProcessingJobArn).toMatch(/^arn:/);
  // What only the platform's own file has, and what stands in it where nothing was given.
  for (const { S3Input } of request.ProcessingInputs) delete S3Input['S3DownloadMode'];
  delete request.ProcessingOutputConfig['KmsKeyId'];
  delete request.ProcessingResources.ClusterConfig['VolumeKmsKeyId'];
  return request;
}

/** Since 2022 each input has two members more (contract §2.3). */
function sinceTwentyTwo(text: string): string {
  return text
    .replace(/("InputName":"[^"]*"),/g, '$1,"AppManaged":false,')
    .replaceAll('"S3DownloadMode":"StartOfJob"}', '"S3DownloadMode":"StartOfJob"},"DatasetDefinition":null');
}

describe('processingjobconfig.json', () => {
  test.each(['processing2', 'processing3'])('is that of a real job, byte for byte: %s', name => {
    const text = capture(`${name}-processingjobconfig.json`);
    const job = parseProcessingJob(requestOf(text), SETTINGS);
    const [host] = planJob(job, { storeAccess: false }).hosts;
    expect(host?.files['/opt/ml/config/processingjobconfig.json']).toBe(
      sinceTwentyTwo(text.replaceAll('XXXXXXXXXXXX', '123456789012')),
    );
  });

  test('holds nulls for what was not given, leaves Environment out, and sorts it as Go does', () => {
    const file = (changes: Members): string =>
      hostOf(changes).files['/opt/ml/config/processingjobconfig.json'] ?? '';
    expect(file({ ProcessingInputs: undefined, ProcessingOutputConfig: undefined })).toBe(
      '{"ProcessingJobArn":"arn:aws:sagemaker:us-east-1:123456789012:processing-job/split-1","ProcessingJobName":"Split-1",' +
        '"AppSpecification":{"ImageUri":"split:1","ContainerEntrypoint":null,"ContainerArguments":null},' +
        '"ProcessingInputs":[],"ProcessingOutputConfig":{"Outputs":[],"KmsKeyId":null},' +
        '"ProcessingResources":{"ClusterConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large","VolumeSizeInGB":30,"VolumeKmsKeyId":null}},' +
        '"RoleArn":"arn:aws:iam::123456789012:role/SageMaker","StoppingCondition":{"MaxRuntimeInSeconds":86400}}',
    );
    expect(file({ Environment: { b: '<&>\u2028', a: 'ü' } })).toContain(
      String.raw`"Environment":{"a":"ü","b":"\u003c\u0026\u003e\u2028"}`,
    );
  });
});

test('resourceconfig.json is that of a real job, byte for byte', () => {
  expect(hostOf().files['/opt/ml/config/resourceconfig.json']).toBe(
    capture('processing-resourceconfig.json'),
  );
});

describe('the command is that of docker run: nothing is appended', () => {
  test.each<[Members, Members]>([
    [{}, { entrypoint: null, command: null }],
    [{ ContainerArguments: ['a'] }, { entrypoint: null, command: ['a'] }],
    [{ ContainerEntrypoint: ['e', 'f'] }, { entrypoint: ['e', 'f'], command: [] }],
    [
      { ContainerEntrypoint: ['e'], ContainerArguments: ['a'] },
      { entrypoint: ['e'], command: ['a'] },
    ],
  ])('%j', (given, wanted) => {
    expect(hostOf({ AppSpecification: { ImageUri: 'split:1', ...given } }).container).toMatchObject(wanted);
  });
});

test('the environment has the region, the way to the store, and what was given', () => {
  expect(hostOf({ Environment: { A: '1' } }).container.environment).toEqual({
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_S3: '{{store}}',
    S3_ENDPOINT_URL: '{{store}}',
    AWS_ACCESS_KEY_ID: '{{secret}}',
    AWS_SECRET_ACCESS_KEY: '{{secret}}',
    AWS_CA_BUNDLE: '/opt/optml/authorities.pem',
    NODE_EXTRA_CA_CERTS: '/opt/optml/authority.pem',
    A: '1',
  });
  const isolated = { NetworkConfig: { EnableNetworkIsolation: true } };
  expect(hostOf(isolated).container.environment).toEqual({ AWS_REGION: 'us-east-1' });
});

test('inputs and outputs have their places, outer folders first, and each output is seen at two', () => {
  const host = hostOf({
    ProcessingInputs: [
      input({ LocalPath: '/opt/ml/processing/input/code/dep' }, { InputName: 'dep' }),
      input({ LocalPath: '/opt/ml/processing/input/code/' }, { InputName: 'code' }),
    ],
  });
  expect(host.folders).toEqual([
    '/opt/ml/config',
    '/opt/ml/output',
    '/opt/ml/output/data',
    '/opt/ml/output/data/train',
    '/opt/ml/output/metrics',
    '/opt/ml/output/metrics/cloudwatch',
    '/opt/ml/processing',
    '/opt/ml/processing/input/code',
    '/opt/ml/processing/input/code/dep',
    '/opt/ml/processing/train',
  ]);
  expect(host.mounts).toEqual([
    { path: '/opt/ml/config', writable: false },
    { path: '/opt/ml/output', writable: true },
    { path: '/opt/ml/processing/input/code', writable: true },
    { path: '/opt/ml/processing/input/code/dep', writable: true },
    { path: '/opt/ml/processing/train', writable: true },
    { path: '/opt/ml/output/data/train', writable: true, viewOf: '/opt/ml/processing/train' },
  ]);
  expect(host.channels.map(({ name, folder, manifest }) => ({ name, folder, manifest }))).toEqual([
    { name: 'dep', folder: '/opt/ml/processing/input/code/dep', manifest: null },
    { name: 'code', folder: '/opt/ml/processing/input/code', manifest: null },
  ]);
});

test('an input in Pipe mode has no folder of its own: its FIFOs lie beside LocalPath, in a mount', () => {
  const host = hostOf({ ProcessingInputs: [input({ S3InputMode: 'Pipe', S3CompressionType: 'Gzip' })] });
  expect(host.folders).not.toContain('/opt/ml/processing/input');
  expect(host.mounts.map(({ path }) => path)).toEqual([
    '/opt/ml/config',
    '/opt/ml/output',
    '/opt/ml/processing',
    '/opt/ml/processing/train',
    '/opt/ml/output/data/train',
  ]);
  expect(host.channels).toMatchObject([{ mode: 'Pipe', gzip: true, recordIo: false }]);
});

test('an output goes below its S3Uri, with no name of the job put in', () => {
  const changes = outputs(
    output({ S3Uri: 's3://b/p/' }),
    output({ S3Uri: 's3://b', LocalPath: '/opt/ml/processing/t2' }, { OutputName: 't2' }),
  );
  expect(planOf(changes).uploads.map(({ from, form, to, when }) => ({ from, form, to, when }))).toEqual([
    { from: '/opt/ml/processing/train', form: 'objects', to: { bucket: 'b', key: 'p' }, when: 'end' },
    { from: '/opt/ml/processing/t2', form: 'objects', to: { bucket: 'b', key: '' }, when: 'end' },
  ]);
});

test('its last word is read from output/message, and output/failure is not', () => {
  expect(planOf()).toMatchObject({
    job: { kind: 'processing', name: 'Split-1' },
    messages: { failure: null, exit: '/opt/ml/output/message' },
    limits: { maxRuntimeSeconds: 86_400, stopGraceSeconds: 120 },
  });
});
