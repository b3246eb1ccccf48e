/** The requests that these tests start from. */

type Members = Record<string, unknown>;

export const SETTINGS = { region: 'us-east-1', account: '000000000000' };

/** The smallest request that AWS takes, with one channel. Each call gives a new one. */
export function validRequest(changes: Members = {}): Members {
  return {
    TrainingJobName: 'Digits-1',
    RoleArn: 'arn:aws:iam::123456789012:role/SageMaker',
    AlgorithmSpecification: { TrainingImage: 'digits:1', TrainingInputMode: 'File' },
    InputDataConfig: [channel()],
    OutputDataConfig: { S3OutputPath: 's3://models/out' },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    ...changes,
  };
}

export function channel(changes: Members = {}, source: Members = {}): Members {
  return {
    ChannelName: 'train',
    DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://data/train/', ...source } },
    ...changes,
  };
}

export function algorithm(changes: Members): Members {
  return { AlgorithmSpecification: { TrainingImage: 'digits:1', TrainingInputMode: 'File', ...changes } };
}

export function resources(changes: Members): Members {
  return {
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10, ...changes },
  };
}
