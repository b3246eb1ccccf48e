/** The processing requests that these tests start from. */

type Members = Record<string, unknown>;

/** A request that AWS takes, with one input and one output. Each call gives a new one. */
export function validProcessing(changes: Members = {}): Members {
  return {
    ProcessingJobName: 'Split-1',
    RoleArn: 'arn:aws:iam::123456789012:role/SageMaker',
    AppSpecification: { ImageUri: 'split:1' },
    ProcessingInputs: [input()],
    ProcessingOutputConfig: { Outputs: [output()] },
    ProcessingResources: cluster(),
    ...changes,
  };
}

export function input(source: Members = {}, changes: Members = {}): Members {
  return {
    InputName: 'raw',
    S3Input: {
      S3Uri: 's3://data/raw/',
      LocalPath: '/opt/ml/processing/input',
      S3DataType: 'S3Prefix',
      S3InputMode: 'File',
      ...source,
    },
    ...changes,
  };
}

export function output(target: Members = {}, changes: Members = {}): Members {
  return {
    OutputName: 'train',
    S3Output: {
      S3Uri: 's3://data/train',
      LocalPath: '/opt/ml/processing/train',
      S3UploadMode: 'EndOfJob',
      ...target,
    },
    ...changes,
  };
}

export function outputs(...list: readonly Members[]): Members {
  return { ProcessingOutputConfig: { Outputs: list } };
}

export function cluster(changes: Members = {}): Members {
  return {
    ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 30, ...changes },
  };
}
