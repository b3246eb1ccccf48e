/** The environment that the platform adds to the image's own (contract §1.4). Pure. */
import type { TrainingJob } from '../job/training-job.js';
import { gpusOfInstance } from './host-limits.js';
import type { Host } from './hosts.js';

/** Stands where only the run knows the value: the address of the store, and the job's own keys to it. */
export const STORE = '{{store}}';
export const SECRET = '{{secret}}';

/** What is known of the place where the job runs. */
export interface Surroundings {
  /** Containers can be given a way to the store. */
  readonly storeAccess: boolean;
  /** `--emulate-instance`: a host gets as much of the machine as its instance type has. */
  readonly emulateInstance?: boolean;
  /** False when the engine has no GPU; a plan without an engine is made as if it had some. */
  readonly hasGpus?: boolean;
  /** False where rooms are volumes, since this user could not remove what root leaves in a folder. */
  readonly bindsRooms?: boolean;
}

/**
 * Credential and metadata addresses (`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, `ECS_CONTAINER_METADATA_URI…`) are left
 * out: nothing answers them here, and the difference is listed with RoleArn. In their place stand variables that AWS's
 * SDKs and the training toolkit read (contract §1.4); an isolated container has none, as on SageMaker.
 */
export function environmentOf(
  job: TrainingJob,
  surroundings: Surroundings,
  { instanceType }: Host,
): Record<string, string> {
  return {
    TRAINING_JOB_NAME: job.name,
    TRAINING_JOB_ARN: job.arn,
    AWS_REGION: job.region,
    AWS_EXECUTION_ENV: 'AWS_ECS_EC2',
    DMLC_INTERFACE: 'eth0',
    // UNCONFIRMED for hosts with GPUs (contract §1.4).
    NVIDIA_VISIBLE_DEVICES: gpusOfInstance(instanceType, surroundings) === 0 ? 'void' : 'all',
    ...storeVariables(job, surroundings),
    ...job.environment,
  };
}

/** The variables by which code in the container finds the store of the job; none where it has no way to it. */
export function storeVariables(
  job: Pick<TrainingJob, 'environment' | 'networkIsolation'>,
  { storeAccess }: Surroundings,
): Record<string, string> {
  return storeAccess && !job.networkIsolation && !bringsItsOwn(job.environment)
    ? { ...STORE_VARIABLES, ...TRUST_VARIABLES }
    : {};
}

const STORE_VARIABLES = {
  AWS_ENDPOINT_URL_S3: STORE,
  S3_ENDPOINT_URL: STORE,
  AWS_ACCESS_KEY_ID: SECRET,
  AWS_SECRET_ACCESS_KEY: SECRET,
};

/** Files in the container with the authorities that vouch for S3's names there: ours, and it with all others. */
export const AUTHORITY_FOLDER = '/opt/optml';
export const AUTHORITY_FILE = `${AUTHORITY_FOLDER}/authority.pem`;
export const AUTHORITIES_FILE = `${AUTHORITY_FOLDER}/authorities.pem`;

/**
 * By these, programs that find S3 by its own names take the store for it: AWS's SDKs and command line read the first, which
 * replaces what they trust; Node the second, which adds to it.
 */
const TRUST_VARIABLES = {
  AWS_CA_BUNDLE: AUTHORITIES_FILE,
  NODE_EXTRA_CA_CERTS: AUTHORITY_FILE,
};

/** A request that says where S3 is, or with which keys, means all of it. */
function bringsItsOwn(environment: TrainingJob['environment']): boolean {
  return ['AWS_ENDPOINT_URL', ...Object.keys(STORE_VARIABLES)].some(name => name in environment);
}

/** What a run knows. */
export interface StoreKeys {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** S3's names lead to the store as well. */
  readonly named: boolean;
}

/** The environment with the run's values in place; what the run does not have, its variables do not say. */
export function fillEnvironment(
  environment: Readonly<Record<string, string>>,
  keys: StoreKeys | null,
): Record<string, string> {
  const values: Record<string, string | undefined> = {
    AWS_ENDPOINT_URL_S3: keys?.url,
    S3_ENDPOINT_URL: keys?.url,
    AWS_ACCESS_KEY_ID: keys?.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys?.secretAccessKey,
  };
  const filled = Object.entries(environment).flatMap(([name, value]): [string, string][] => {
    if (isTrust(name, value)) return keys?.named === true ? [[name, value]] : [];
    if (!(name in values) || (value !== STORE && value !== SECRET)) return [[name, value]];
    const known = values[name];
    return known === undefined ? [] : [[name, known]];
  });
  return Object.fromEntries(filled);
}

/** Ours, not one of the request. */
function isTrust(name: string, value: string): boolean {
  return Object.entries(TRUST_VARIABLES).some(([own, path]) => own === name && path === value);
}
