/** The columns of the member table, and the conditions that its rows use. */
import { asCheckedRequest, inputModeOf, type CheckedRequest } from './checked-request.js';
import { isAccelerated, platformOf } from './instance-type.js';
import type { JobRequest } from './job-request.js';
import { asProcessingRequest } from './processing-request.js';
import { isObject } from './validate.js';

/**
 * What becomes of one member of a Create*Job request. A row may have several columns: InstanceCount is honoured, and
 * refused when it is more than 1.
 */
export interface MemberRow {
  /**
   * Path in the request: `InputDataConfig[].ChannelName`, `[]` being any item of a list. A closing `.**` covers the
   * member and all below it, and the conditions see the member itself.
   */
  readonly member: string;
  /** It does what it does on SageMaker; the text is a remark for the page, and may be empty. */
  readonly honoured?: string;
  readonly difference?: DifferenceRule;
  readonly refused?: readonly RefusalRule[];
}

/** Fragments of a sentence, without a full stop. */
export interface DifferenceRule {
  readonly when: When;
  /** What happens here. */
  readonly here: string;
  readonly why: string;
}

/** Fragments of a sentence, without a full stop. */
export interface RefusalRule {
  readonly when: When;
  readonly why: string;
  /** The way out: what to do instead. */
  readonly instead: string;
}

/** When a rule applies to a value that is there. */
export interface When {
  /** For the page, as Markdown: `given`, `more than 1`. */
  readonly words: string;
  readonly holds: (value: unknown, request: JobRequest) => boolean;
}

/** There is something in it: SDKs send `""`, `[]` and `{}` without being asked, and those change nothing. */
export const GIVEN: When = { words: 'given', holds: value => !isNothing(value) };

export const TRUE: When = { words: '`true`', holds: value => value === true };

/** One of these values. */
export function is(...values: readonly string[]): When {
  return {
    words: values.map(value => `\`${value}\``).join(' or '),
    holds: value => typeof value === 'string' && values.includes(value),
  };
}

export function moreThan(limit: number): When {
  return { words: `more than ${limit}`, holds: value => typeof value === 'number' && value > limit };
}

/** Groups that have no instance do not count. */
export const OF_TWO_PLATFORMS: When = {
  words: 'with instances of arm64 and of amd64',
  holds: (_, request) => new Set(instancesOf(request).map(platformOf)).size > 1,
};

export const TRUE_WITH_PEERS: When = {
  words: '`true`, and more than one instance',
  holds: (value, request) => value === true && instancesOf(request).length > 1,
};

/** The type of each instance. */
function instancesOf(request: JobRequest): string[] {
  const cluster =
    request['ProcessingResources'] === undefined
      ? asCheckedRequest(request).ResourceConfig
      : asProcessingRequest(request).ProcessingResources.ClusterConfig;
  const {
    InstanceType: type = '',
    InstanceCount: count = 0,
    InstanceGroups: groups = [],
  }: NonNullable<CheckedRequest['ResourceConfig']> = cluster ?? {};
  return [{ InstanceType: type, InstanceCount: count }, ...groups].flatMap(group =>
    Array.from({ length: group.InstanceCount }, () => group.InstanceType),
  );
}

/** The job's input mode counts where a channel does not name its own. */
export function isModeOfAChannel(mode: string): When {
  return {
    words: `\`${mode}\`, and a channel without an InputMode of its own`,
    holds: (value, request) => {
      const checked = asCheckedRequest(request);
      const channels = checked.InputDataConfig ?? [];
      return (
        value === mode &&
        channels.some(one => one.InputMode === undefined && inputModeOf(one, checked) === mode)
      );
    },
  };
}

export const WITHOUT_NETWORK_ISOLATION: When = {
  words: 'EnableNetworkIsolation is not `true`',
  holds: (_, request) => request['EnableNetworkIsolation'] !== true,
};

/** As above, where the member lies in NetworkConfig. */
export const NETWORK_NOT_ISOLATED: When = {
  words: 'NetworkConfig.EnableNetworkIsolation is not `true`',
  holds: (_, { NetworkConfig }) =>
    !(isObject(NetworkConfig) && NetworkConfig['EnableNetworkIsolation'] === true),
};

const ACCELERATED: When = {
  words: 'a type with accelerators other than NVIDIA GPUs (`ml.trn*`, `ml.inf*`, `ml.dl1`, `ml.g4ad` …)',
  holds: value => typeof value === 'string' && isAccelerated(value),
};

/** Of the instance type, of any kind of job. */
export const ACCELERATED_DIFFERENCE: DifferenceRule = {
  when: ACCELERATED,
  here: 'the container gets no accelerator',
  why: 'only NVIDIA GPUs can be handed to a container here',
};

/** Of the instance type, of any kind of job. */
export const MACHINE =
  "CPU and memory are this machine's; with --emulate-instance they, and /dev/shm, are limited to those of the type, and a smaller machine is listed as a difference when the job runs. A type with GPUs gets those of the engine (`docker run --gpus all`), and a difference where it has none";

export const FROM_PRIVATE_REGISTRY: When = {
  words: 'TrainingRepositoryAccessMode is `Vpc`',
  holds: value => isObject(value) && value['TrainingRepositoryAccessMode'] === 'Vpc',
};

export const PROFILING: When = {
  words: 'given, and DisableProfiler is not `true`',
  holds: value => !isNothing(value) && !(isObject(value) && value['DisableProfiler'] === true),
};

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
