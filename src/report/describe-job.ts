/** The Describe response of a job of any kind. Pure. */
import type { JobKind } from '../job/job-request.js';
import { describeTrainingJob, type DescribeTrainingJobResponse } from './describe.js';
import { describeProcessingJob, type DescribeProcessingJobResponse } from './describe-processing.js';
import { kindOf, type JobState } from './job-state.js';

export type DescribeResponse = DescribeTrainingJobResponse | DescribeProcessingJobResponse;

const DESCRIBERS: Record<JobKind, (state: JobState) => DescribeResponse> = {
  training: describeTrainingJob,
  processing: describeProcessingJob,
};

export function describeJob(state: JobState): DescribeResponse {
  return DESCRIBERS[kindOf(state)](state);
}
