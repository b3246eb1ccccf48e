/** The environment that the platform adds to the image's own (contract §1.4). Pure. */
import type { TrainingJob } from '../job/training-job.js';

/**
 * Credential and metadata addresses (`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, `ECS_CONTAINER_METADATA_URI…`) are left
 * out: nothing answers them here, and the difference is listed with RoleArn.
 */
export function environmentOf(job: TrainingJob): Record<string, string> {
  return {
    TRAINING_JOB_NAME: job.name,
    TRAINING_JOB_ARN: job.arn,
    AWS_REGION: job.region,
    AWS_EXECUTION_ENV: 'AWS_ECS_EC2',
    DMLC_INTERFACE: 'eth0',
    NVIDIA_VISIBLE_DEVICES: 'void',
    ...job.environment,
  };
}
