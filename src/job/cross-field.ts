/**
 * The rules between members that AWS enforces when a job is created (contract §4.4). AWS's texts for most of them are
 * not known; these follow the form of those that are: `Invalid <member>. <what must hold>`.
 */
import { OptmlError } from '../errors.js';
import { MUST_NOT_BE_NULL, violation } from './aws-words.js';
import { channelRules } from './channel-rules.js';
import type { CheckedRequest } from './checked-request.js';
import type { Findings } from './findings.js';
import { localPathRules } from './local-path.js';
import { metricRules } from './metric-rules.js';
import { nulBytes } from './nul-bytes.js';
import { repeated } from './repeated.js';
import { parseS3Location } from './s3-location.js';
import { tagRules } from './tag-rules.js';

/** 28 days (contract §1.11). */
const LONGEST_RUNTIME = 28 * 24 * 3600;

/** What a job runs at most when StoppingCondition does not say: one day (contract §1.11). */
export const DEFAULT_RUNTIME = 24 * 3600;

const RULES: readonly ((request: CheckedRequest) => readonly string[])[] = [
  algorithm,
  metricRules,
  channelRules,
  instances,
  waiting,
  ({ Tags }) => tagRules(Tags),
  localPathRules,
  s3Addresses,
  ({ AlgorithmSpecification, Environment }) =>
    nulBytes({ member: 'AlgorithmSpecification', words: AlgorithmSpecification, environment: Environment }),
];

/** Which of the rules a request breaks that has passed the walk over its shapes. */
export function findBrokenRules(request: CheckedRequest): Findings {
  return { violations: limits(request), complaints: RULES.flatMap(rule => rule(request)) };
}

/** Limits that the documentation has and the model has not, in the words of those that it has. */
function limits(request: CheckedRequest): readonly string[] {
  const found: string[] = [];
  const { InstanceType, InstanceCount, InstanceGroups } = request.ResourceConfig ?? {};
  if (request.ResourceConfig !== undefined && (InstanceGroups ?? []).length === 0) {
    if (InstanceType === undefined)
      found.push(
        violation({ path: 'resourceConfig.instanceType', value: null, constraint: MUST_NOT_BE_NULL }),
      );
    if (InstanceCount === undefined)
      found.push(
        violation({ path: 'resourceConfig.instanceCount', value: null, constraint: MUST_NOT_BE_NULL }),
      );
    if (InstanceCount === 0) found.push(tooSmall('resourceConfig.instanceCount', 0));
  }
  const runtime = request.StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_RUNTIME;
  if (runtime > LONGEST_RUNTIME)
    found.push(
      violation({
        path: 'stoppingCondition.maxRuntimeInSeconds',
        value: runtime,
        constraint: `Member must be less than or equal to ${LONGEST_RUNTIME}`,
      }),
    );
  return found;
}

function tooSmall(path: string, value: number): string {
  return violation({ path, value, constraint: 'Member must be greater than or equal to 1' });
}

function algorithm({ AlgorithmSpecification: given }: CheckedRequest): readonly string[] {
  if (given === undefined) return [];
  const image = given.TrainingImage ?? '';
  const named = given.AlgorithmName !== undefined;
  return [
    ...(image !== '' && named
      ? [
          'Invalid AlgorithmSpecification. TrainingImage and AlgorithmName cannot both be given: keep one of them.',
        ]
      : []),
    ...(image === '' && !named
      ? ['Invalid AlgorithmSpecification. Either TrainingImage or AlgorithmName must be given.']
      : []),
    ...(['ContainerEntrypoint', 'ContainerArguments'] as const).flatMap(member =>
      named && image === '' && given[member] !== undefined
        ? [
            `Invalid AlgorithmSpecification. ${member} can only be given with TrainingImage, not with AlgorithmName.`,
          ]
        : [],
    ),
  ];
}

function instances({
  ResourceConfig: given,
  EnableManagedSpotTraining: spot,
}: CheckedRequest): readonly string[] {
  if (given === undefined) return [];
  const grouped = (given.InstanceGroups ?? []).length > 0;
  const names = (given.InstanceGroups ?? []).map(group => group.InstanceGroupName);
  return [
    ...(grouped && (given.InstanceType !== undefined || given.InstanceCount !== undefined)
      ? [
          'Invalid ResourceConfig. InstanceGroups cannot be given together with InstanceType and InstanceCount.',
        ]
      : []),
    ...(grouped && given.InstanceGroups?.every(group => group.InstanceCount === 0) === true
      ? ['Invalid ResourceConfig. InstanceGroups must have at least one instance.']
      : []),
    ...repeated(names).map(
      name =>
        `Invalid ResourceConfig. Names of instance groups must be unique, but '${name}' is given more than once.`,
    ),
    ...(spot === true && (given.KeepAlivePeriodInSeconds ?? 0) > 0
      ? ['Invalid ResourceConfig. KeepAlivePeriodInSeconds cannot be given with EnableManagedSpotTraining.']
      : []),
  ];
}

function waiting({ StoppingCondition, EnableManagedSpotTraining: spot }: CheckedRequest): readonly string[] {
  const wait = StoppingCondition?.MaxWaitTimeInSeconds;
  const runtime = StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_RUNTIME;
  if (spot === true)
    return wait !== undefined && wait >= runtime
      ? []
      : [
          'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds ' +
            `(${runtime}) when EnableManagedSpotTraining is true.`,
        ];
  return wait === undefined
    ? []
    : ['Invalid MaxWaitTimeInSeconds. It can only be given when EnableManagedSpotTraining is true.'];
}

function s3Addresses(request: CheckedRequest): readonly string[] {
  const {
    InputDataConfig: channels = [],
    OutputDataConfig,
    CheckpointConfig,
    DebugHookConfig,
    TensorBoardOutputConfig,
    ProfilerConfig,
  } = request;
  const addresses = [
    ...channels.map((channel, index) => ({
      member: `InputDataConfig[${index}].DataSource.S3DataSource.S3Uri`,
      uri: channel.DataSource.S3DataSource?.S3Uri,
    })),
    { member: 'OutputDataConfig.S3OutputPath', uri: OutputDataConfig.S3OutputPath },
    { member: 'CheckpointConfig.S3Uri', uri: CheckpointConfig?.S3Uri },
    { member: 'DebugHookConfig.S3OutputPath', uri: DebugHookConfig?.S3OutputPath },
    { member: 'TensorBoardOutputConfig.S3OutputPath', uri: TensorBoardOutputConfig?.S3OutputPath },
    { member: 'ProfilerConfig.S3OutputPath', uri: ProfilerConfig?.S3OutputPath },
  ];
  return addresses.flatMap(({ member, uri }) => {
    if (uri === undefined) return [];
    try {
      parseS3Location(uri, member);
      return [];
    } catch (thrown) {
      if (thrown instanceof OptmlError) return [thrown.message];
      throw thrown;
    }
  });
}
