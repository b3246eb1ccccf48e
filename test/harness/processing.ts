/** Processing requests for tests: a whole CreateProcessingJob body, changed member by member. */
import { jobName, type Request } from './requests.js';

/** A job that runs shell lines in the test image, up to the first that fails: none may be longer than 256 characters. */
export function processingJob(lines: readonly string[], members: Request = {}): Request {
  return {
    ProcessingJobName: jobName('processing'),
    RoleArn: 'arn:aws:iam::123456789012:role/Processing',
    AppSpecification: {
      ImageUri: 'optml-shell:latest',
      ContainerEntrypoint: ['sh', '-c', 'for line; do eval "$line" || exit; done', 'sh', ...lines],
    },
    ProcessingResources: {
      ClusterConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 },
    },
    StoppingCondition: { MaxRuntimeInSeconds: 600 },
    ...members,
  };
}

export function inputAt(path: string, uri: string, members: Request = {}): Request {
  return {
    InputName: path.replaceAll('/', '-'),
    S3Input: {
      S3Uri: uri,
      LocalPath: `/opt/ml/processing/${path}`,
      S3DataType: 'S3Prefix',
      S3InputMode: 'File',
      ...members,
    },
  };
}

export function outputsAt(places: Readonly<Record<string, string>>, mode = 'EndOfJob'): Request {
  return {
    ProcessingOutputConfig: {
      Outputs: Object.entries(places).map(([path, uri]) => ({
        OutputName: path,
        S3Output: { S3Uri: uri, LocalPath: `/opt/ml/processing/${path}`, S3UploadMode: mode },
      })),
    },
  };
}
