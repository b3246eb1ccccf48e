/** What is different here for jobs of every kind, wherever the member lies in their requests. */
import { GIVEN, type DifferenceRule } from './member-row.js';

/** Of RoleArn, unless the job is isolated. */
export const ROLE = {
  here: "the container gets keys of the job's own, which open its store and nothing else, also under S3's own names; with --store aws, none",
  why: 'on SageMaker it has the credentials of this role and reaches S3 with them; there is no role to assume here',
} as const satisfies Omit<DifferenceRule, 'when'>;

export const VOLUME_KEY: DifferenceRule = {
  when: GIVEN,
  here: 'files of the running job are not encrypted',
  why: 'they lie on the disk of this machine',
};

export const OUTPUT_KEY: DifferenceRule = {
  when: GIVEN,
  here: 'sent as SSE-KMS to AWS and other S3 servers; the embedded store keeps plain files',
  why: 'the embedded store is a folder that you can read',
};

/** Of EnableInterContainerTrafficEncryption, where there are peers. */
export const TRAFFIC = {
  here: 'traffic between the hosts is not encrypted',
  why: 'it does not leave this machine',
} as const satisfies Omit<DifferenceRule, 'when'>;

export const VPC: DifferenceRule = {
  when: GIVEN,
  here: "one host is on the engine's default network, several on one of the job's own, an isolated one on none",
  why: 'there are no subnets and security groups here',
};

export const TAGS: DifferenceRule = {
  when: GIVEN,
  here: 'they are kept in the request of the job only',
  why: 'nothing here lists or bills by tags',
};

export const EXPERIMENT: DifferenceRule = {
  when: GIVEN,
  here: 'the job joins no experiment',
  why: 'experiments exist on SageMaker only',
};
