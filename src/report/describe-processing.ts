/** The DescribeProcessingJob response of a state, times as on the wire: epoch seconds (contract §2.8, appendix A.2). Pure. */
import { DEFAULT_PROCESSING_RUNTIME } from '../job/processing-job.js';
import { asProcessingRequest } from '../job/processing-request.js';
import { hasEnded, type JobState } from './job-state.js';

export type DescribeProcessingJobResponse = Readonly<Record<string, unknown>> & {
  readonly ProcessingJobName: string;
  readonly ProcessingJobArn: string;
  readonly ProcessingJobStatus: JobState['status'];
  readonly CreationTime: number;
  readonly ExitMessage?: string;
  readonly FailureReason?: string;
};

export function describeProcessingJob(state: JobState): DescribeProcessingJobResponse {
  const { created, failureReason, exitMessage, status } = state;
  const { request } = created;
  return {
    ...inputsAndOutputs(state),
    ProcessingJobName: created.name,
    ProcessingResources: request['ProcessingResources'],
    StoppingCondition: request['StoppingCondition'] ?? { MaxRuntimeInSeconds: DEFAULT_PROCESSING_RUNTIME },
    AppSpecification: request['AppSpecification'],
    ...echo(request, ['Environment', 'NetworkConfig']),
    RoleArn: request['RoleArn'],
    ...echo(request, ['ExperimentConfig']),
    ProcessingJobArn: created.arn,
    ProcessingJobStatus: status,
    ...(exitMessage === undefined || exitMessage === '' ? {} : { ExitMessage: exitMessage }),
    ...(failureReason === undefined || status !== 'Failed' ? {} : { FailureReason: failureReason }),
    ...times(state),
    LastModifiedTime: state.lastModified / 1000,
    CreationTime: created.time / 1000,
  };
}

/** ProcessingOutputConfig comes back only if the request had it; AppManaged always (contract §2.8). */
function inputsAndOutputs({ created }: JobState): object {
  const { ProcessingInputs: inputs, ProcessingOutputConfig: config } = asProcessingRequest(created.request);
  return {
    ...(inputs === undefined
      ? {}
      : {
          ProcessingInputs: inputs.map(({ S3Input, ...input }) => ({
            AppManaged: false,
            ...input,
            ...(S3Input === undefined
              ? {}
              : {
                  S3Input: {
                    S3DataDistributionType: 'FullyReplicated',
                    S3CompressionType: 'None',
                    ...S3Input,
                  },
                }),
          })),
        }),
    ...(config === undefined
      ? {}
      : {
          ProcessingOutputConfig: {
            ...config,
            Outputs: config.Outputs.map(output => ({ AppManaged: false, ...output })),
          },
        }),
  };
}

/** From when the instance is there until everything is uploaded (contract §2.8). */
function times(state: JobState): object {
  const start = state.transitions.find(one => one.status === 'Downloading')?.start;
  const end = hasEnded(state) ? state.transitions.at(-1)?.start : undefined;
  return {
    ...(start === undefined ? {} : { ProcessingStartTime: start / 1000 }),
    ...(end === undefined ? {} : { ProcessingEndTime: end / 1000 }),
  };
}

function echo(request: JobState['created']['request'], members: readonly string[]): object {
  return Object.fromEntries(
    members.filter(name => request[name] !== undefined).map(name => [name, request[name]]),
  );
}
