/**
 * What becomes of every member of CreateTrainingJob: honoured as on SageMaker, different here, or refused. The one place
 * to look it up and to change it: the differences of a job, its refusals and docs/differences.md come from these rows.
 */
import { EXPERIMENT, OUTPUT_KEY, ROLE, TAGS, TRAFFIC, VOLUME_KEY, VPC } from './every-kind-differences.js';
import {
  ACCELERATED_DIFFERENCE,
  FROM_PRIVATE_REGISTRY,
  GIVEN,
  OF_TWO_PLATFORMS,
  is,
  isModeOfAChannel,
  MACHINE,
  moreThan,
  PROFILING,
  TRUE,
  TRUE_WITH_PEERS,
  WITHOUT_NETWORK_ISOLATION,
  type MemberRow,
} from './member-row.js';
import { UNSEARCHABLE_PATTERNS } from './metric-rules.js';

const MODES =
  '`File`, `Pipe`; for a user who is not root, the folder of the FIFOs is read-only for the container, which the job lists as a difference';

const FAST_FILE = {
  here: 'the objects are downloaded before the container starts, and mounted read-only; with --fastfile lazy, rclone reads those of folders that are not dealt out when they are asked for',
  why: "the mount is part of SageMaker's instances; how it reads ahead and what it keeps is not documented",
};

const WHILE_IT_RUNS =
  'while the job runs, a file when it is closed and has held still for half a second, or for one and a half while it is kept open (UNCONFIRMED); on engines whose volumes this machine cannot watch, when it has ended, and the run says so';

export const MEMBER_TABLE: readonly MemberRow[] = [
  { member: 'TrainingJobName', honoured: '' },
  {
    member: 'HyperParameters',
    honoured:
      'with `sagemaker_s3_output`, files of /opt/ml/output/intermediate are uploaded to it while the job runs, as the training toolkit does',
  },
  {
    member: 'Environment',
    honoured:
      "beside it stand an endpoint, keys, `AWS_CA_BUNDLE` (what the world trusts, and the authority of S3's names here) and `NODE_EXTRA_CA_CERTS`; what it sets stays as it is, and one that sets an endpoint or keys gets none of ours",
  },
  {
    member: 'RoleArn',
    honoured: 'its account stands in the ARNs; its permissions are not evaluated',
    difference: { when: WITHOUT_NETWORK_ISOLATION, ...ROLE },
  },

  { member: 'AlgorithmSpecification', honoured: '' },
  {
    member: 'AlgorithmSpecification.TrainingImage',
    honoured: 'pulled with your Docker credentials, or found locally',
  },
  {
    member: 'AlgorithmSpecification.AlgorithmName',
    refused: [
      {
        when: GIVEN,
        why: "algorithm resources and AWS Marketplace's images exist on SageMaker only",
        instead: 'name an image in TrainingImage',
      },
    ],
  },
  {
    member: 'AlgorithmSpecification.TrainingInputMode',
    honoured: MODES,
    difference: { when: isModeOfAChannel('FastFile'), ...FAST_FILE },
  },
  { member: 'AlgorithmSpecification.ContainerEntrypoint', honoured: '' },
  { member: 'AlgorithmSpecification.ContainerArguments', honoured: '' },
  {
    member: 'AlgorithmSpecification.MetricDefinitions',
    honoured: 'FinalMetricDataList has the last value of each; nothing goes to CloudWatch',
  },
  { member: 'AlgorithmSpecification.MetricDefinitions[].Name', honoured: '' },
  {
    member: 'AlgorithmSpecification.MetricDefinitions[].Regex',
    honoured:
      'as Python reads it; one that takes longer than a second over one line is left out from there on, and the run says so',
    refused: UNSEARCHABLE_PATTERNS,
  },
  {
    member: 'AlgorithmSpecification.EnableSageMakerMetricsTimeSeries',
    difference: {
      when: TRUE,
      here: 'no time series is stored',
      why: 'it feeds the search of SageMaker Experiments',
    },
  },
  {
    member: 'AlgorithmSpecification.TrainingImageConfig.**',
    difference: {
      when: FROM_PRIVATE_REGISTRY,
      here: 'the image is pulled with your Docker credentials',
      why: "there is no VPC, and the Lambda function that has the registry's credentials is not called",
    },
  },

  { member: 'InputDataConfig', honoured: '' },
  { member: 'InputDataConfig[].ChannelName', honoured: '' },
  { member: 'InputDataConfig[].ContentType', honoured: '' },
  {
    member: 'InputDataConfig[].CompressionType',
    honoured: '',
  },
  {
    member: 'InputDataConfig[].RecordWrapperType',
    honoured: 'each object is one record; no effect in File mode, as on SageMaker',
  },
  {
    member: 'InputDataConfig[].InputMode',
    honoured: MODES,
    difference: { when: is('FastFile'), ...FAST_FILE },
  },
  {
    member: 'InputDataConfig[].ShuffleConfig.**',
    honoured:
      'a new order in each epoch, the same for the same seed; which one is not that of SageMaker, which is not documented. No effect in File mode: files have no order',
  },
  { member: 'InputDataConfig[].DataSource', honoured: '' },
  { member: 'InputDataConfig[].DataSource.S3DataSource', honoured: '' },
  {
    member: 'InputDataConfig[].DataSource.S3DataSource.S3DataType',
    honoured:
      '`S3Prefix`, `ManifestFile`: files lie under their whole keys, and there is no `-manifest` file (both UNCONFIRMED), `AugmentedManifestFile`: values that are no text are sent as JSON (UNCONFIRMED)',
    refused: [
      {
        when: is('Converse'),
        why: 'it is for the serverless customization of models',
        instead: 'use S3Prefix',
      },
    ],
  },
  { member: 'InputDataConfig[].DataSource.S3DataSource.S3Uri', honoured: '' },
  {
    member: 'InputDataConfig[].DataSource.S3DataSource.S3DataDistributionType',
    honoured:
      '`ShardedByS3Key` deals the listing out to the hosts that receive the channel, object for object',
  },
  {
    member: 'InputDataConfig[].DataSource.S3DataSource.AttributeNames',
    honoured: 'has a meaning with `AugmentedManifestFile` only, as on SageMaker',
  },
  {
    member: 'InputDataConfig[].DataSource.S3DataSource.InstanceGroupNames',
    honoured:
      'a channel does not reach hosts of other groups, and stands in their inputdataconfig.json (UNCONFIRMED)',
  },
  {
    member: 'InputDataConfig[].DataSource.S3DataSource.ModelAccessConfig.**',
    refused: [
      {
        when: GIVEN,
        why: "JumpStart's gated models exist on SageMaker only",
        instead: 'copy the model into a bucket of yours',
      },
    ],
  },
  {
    member: 'InputDataConfig[].DataSource.S3DataSource.HubAccessConfig.**',
    refused: [
      {
        when: GIVEN,
        why: 'hubs exist on SageMaker only',
        instead: 'copy the content into a bucket of yours',
      },
    ],
  },
  {
    member: 'InputDataConfig[].DataSource.FileSystemDataSource.**',
    honoured:
      'a folder of this machine stands for the file system, EFS or FSx for Lustre: `--map-fs fs-0123…=./folder`; without one the request is refused',
  },
  {
    member: 'InputDataConfig[].DataSource.DatasetSource.**',
    refused: [
      { when: GIVEN, why: 'datasets of a hub exist on SageMaker only', instead: 'use an S3DataSource' },
    ],
  },

  { member: 'OutputDataConfig', honoured: '' },
  { member: 'OutputDataConfig.S3OutputPath', honoured: '' },
  { member: 'OutputDataConfig.CompressionType', honoured: '' },
  { member: 'OutputDataConfig.KmsKeyId', difference: OUTPUT_KEY },

  { member: 'ResourceConfig', honoured: '' },
  {
    member: 'ResourceConfig.InstanceType',
    honoured: `stands in resourceconfig.json and picks the image's platform (arm64 for Graviton). ${MACHINE}`,
    difference: ACCELERATED_DIFFERENCE,
  },
  {
    member: 'ResourceConfig.InstanceCount',
    honoured:
      "a container a host, algo-1 …, on a network of the job's own; all share this machine's CPU and memory",
  },
  { member: 'ResourceConfig.VolumeSizeInGB', honoured: 'not a limit: the job has the disk of this machine' },
  { member: 'ResourceConfig.VolumeKmsKeyId', difference: VOLUME_KEY },
  {
    member: 'ResourceConfig.KeepAlivePeriodInSeconds',
    difference: {
      when: moreThan(0),
      here: 'nothing is kept for a next job',
      why: 'warm pools save the start of an instance, and there is none here',
    },
  },
  {
    member: 'ResourceConfig.InstanceGroups',
    honoured: 'hosts are numbered through the groups in their order',
    refused: [
      {
        when: OF_TWO_PLATFORMS,
        why: 'the one image of the job cannot be of two platforms here',
        instead: 'give all groups types of arm64 (Graviton), or none',
      },
    ],
  },
  {
    member: 'ResourceConfig.InstanceGroups[].InstanceType',
    honoured: 'as InstanceType',
    difference: ACCELERATED_DIFFERENCE,
  },
  { member: 'ResourceConfig.InstanceGroups[].InstanceCount', honoured: '' },
  { member: 'ResourceConfig.InstanceGroups[].InstanceGroupName', honoured: '' },
  {
    member: 'ResourceConfig.TrainingPlanArn',
    difference: {
      when: GIVEN,
      here: 'it has no effect',
      why: 'the job runs on this machine, not on reserved instances',
    },
  },
  {
    member: 'ResourceConfig.InstancePlacementConfig.**',
    difference: {
      when: GIVEN,
      here: 'it has no effect',
      why: 'the job runs on this machine, not on an UltraServer',
    },
  },

  { member: 'StoppingCondition', honoured: '' },
  {
    member: 'StoppingCondition.MaxRuntimeInSeconds',
    honoured: 'to the second, where SageMaker may be minutes late',
  },
  {
    member: 'StoppingCondition.MaxWaitTimeInSeconds',
    honoured:
      'from the start of the first download, what passes between an interruption and the restart with it',
  },
  {
    member: 'StoppingCondition.MaxPendingTimeInSeconds',
    honoured: 'never reached: there is no capacity to wait for, and the job starts at once',
  },

  {
    member: 'EnableNetworkIsolation',
    honoured: 'no way out, nor to this machine, and no keys; hosts of one job reach each other',
  },
  {
    member: 'EnableInterContainerTrafficEncryption',
    honoured: 'no effect with one host, as on SageMaker',
    difference: { when: TRUE_WITH_PEERS, ...TRAFFIC },
  },
  {
    member: 'EnableManagedSpotTraining',
    honoured:
      'interrupted only when asked: `--interrupt-after 30,60`; BillableTimeInSeconds is the time on instances, with no discount of a market',
  },
  { member: 'VpcConfig.**', difference: VPC },
  {
    member: 'CheckpointConfig.**',
    honoured:
      'restored on every host, uploaded while the job runs, a file when it is closed and has held still for half a second, or for one and a half while it is kept open (UNCONFIRMED); on engines whose volumes this machine cannot watch, when the hosts have ended or are interrupted, and the run says so',
  },
  {
    member: 'RetryStrategy.**',
    honoured:
      'the job starts anew after an InternalServerError, such as a container that somebody else removed',
  },
  { member: 'Tags.**', difference: TAGS },

  {
    member: 'DebugHookConfig.**',
    honoured: `tensors are uploaded ${WHILE_IT_RUNS}; \`training_job_end.ts\` lies beside them at the end`,
  },
  {
    member: 'DebugRuleConfigurations.**',
    difference: { when: GIVEN, here: 'no rule is evaluated', why: 'rules run in processing jobs of AWS' },
  },
  {
    member: 'TensorBoardOutputConfig.**',
    honoured: `the folder is uploaded ${WHILE_IT_RUNS}`,
  },
  {
    member: 'ProfilerConfig.**',
    difference: {
      when: PROFILING,
      here: 'nothing is profiled and `profilerconfig.json` is not written; what your script writes under /opt/ml/output/profiler is uploaded to S3OutputPath while the job runs',
      why: "the profiler is part of SageMaker's instances, and its file is not documented",
    },
  },
  {
    member: 'ProfilerRuleConfigurations.**',
    difference: { when: GIVEN, here: 'no rule is evaluated', why: 'rules run in processing jobs of AWS' },
  },
  { member: 'ExperimentConfig.**', difference: EXPERIMENT },
  { member: 'RemoteDebugConfig', honoured: '' },
  {
    member: 'RemoteDebugConfig.EnableRemoteDebug',
    difference: {
      when: TRUE,
      here: 'there is no SSM session: use docker exec',
      why: "the agent of AWS Systems Manager is part of SageMaker's instances",
    },
  },
  { member: 'InfraCheckConfig', honoured: '' },
  {
    member: 'InfraCheckConfig.EnableInfraCheck',
    difference: {
      when: TRUE,
      here: 'nothing is checked',
      why: 'it tests the GPUs and links of AWS instances',
    },
  },
  { member: 'SessionChainingConfig', honoured: '' },
  {
    member: 'SessionChainingConfig.EnableSessionTagChaining',
    difference: { when: TRUE, here: 'no session tags are passed on', why: 'there is no role to assume here' },
  },

  {
    member: 'ServerlessJobConfig.**',
    refused: [
      {
        when: GIVEN,
        why: 'serverless customization of models runs on SageMaker only',
        instead: 'use AlgorithmSpecification and ResourceConfig',
      },
    ],
  },
  {
    member: 'MlflowConfig.**',
    refused: [
      {
        when: GIVEN,
        why: "SageMaker's MLflow is not here",
        instead: 'leave it out, and give your script a tracking server through Environment',
      },
    ],
  },
  {
    member: 'ModelPackageConfig.**',
    refused: [
      {
        when: GIVEN,
        why: 'there is no model registry here',
        instead: 'leave it out and register the model later',
      },
    ],
  },
];
