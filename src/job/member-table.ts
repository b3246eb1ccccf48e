/**
 * What becomes of every member of CreateTrainingJob: honoured as on SageMaker, different here, or refused. The one place
 * to look it up and to change it: the differences of a job, its refusals and docs/differences.md come from these rows.
 */
import {
  ACCELERATED,
  FROM_PRIVATE_REGISTRY,
  GIVEN,
  OF_TWO_PLATFORMS,
  is,
  isModeOfAChannel,
  moreThan,
  PROFILING,
  TRUE,
  TRUE_WITH_PEERS,
  WITHOUT_NETWORK_ISOLATION,
  type MemberRow,
} from './member-row.js';

const FAST_FILE = {
  here: 'the objects are downloaded before the container starts, and mounted read-only; with --fastfile lazy, rclone reads them when they are asked for',
  why: "the mount is part of SageMaker's instances; how it reads ahead and what it keeps is not documented",
};

const ACCELERATED_DIFFERENCE = {
  when: ACCELERATED,
  here: 'the container gets no GPU and no accelerator',
  why: 'optml does not hand them to containers yet',
};

export const MEMBER_TABLE: readonly MemberRow[] = [
  { member: 'TrainingJobName', honoured: '' },
  { member: 'HyperParameters', honoured: '' },
  {
    member: 'Environment',
    honoured:
      "beside it stand an endpoint, keys, `AWS_CA_BUNDLE` (what the world trusts, and the authority of S3's names here) and `NODE_EXTRA_CA_CERTS`; what it sets stays as it is, and one that sets an endpoint or keys gets none of ours",
  },
  {
    member: 'RoleArn',
    honoured: 'its account stands in the ARNs; its permissions are not evaluated',
    difference: {
      when: WITHOUT_NETWORK_ISOLATION,
      here: "the container gets keys of the job's own, which open its store and nothing else, also under S3's own names; with --store aws, none",
      why: 'on SageMaker it has the credentials of this role and reaches S3 with them; there is no role to assume here',
    },
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
    honoured: '`File`, `Pipe`',
    difference: { when: isModeOfAChannel('FastFile'), ...FAST_FILE },
  },
  { member: 'AlgorithmSpecification.ContainerEntrypoint', honoured: '' },
  { member: 'AlgorithmSpecification.ContainerArguments', honoured: '' },
  {
    member: 'AlgorithmSpecification.MetricDefinitions.**',
    honoured:
      'FinalMetricDataList has the last value of each; patterns are read as JavaScript reads them, and nothing goes to CloudWatch',
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
    honoured: '`File`, `Pipe`',
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
  {
    member: 'OutputDataConfig.KmsKeyId',
    difference: {
      when: GIVEN,
      here: 'sent as SSE-KMS to AWS and other S3 servers; the embedded store keeps plain files',
      why: 'the embedded store is a folder that you can read',
    },
  },

  { member: 'ResourceConfig', honoured: '' },
  {
    member: 'ResourceConfig.InstanceType',
    honoured:
      "stands in resourceconfig.json and picks the image's platform (arm64 for Graviton); CPU and memory are this machine's",
    difference: ACCELERATED_DIFFERENCE,
  },
  {
    member: 'ResourceConfig.InstanceCount',
    honoured:
      "a container a host, algo-1 …, on a network of the job's own; all have this machine's CPU and memory",
  },
  { member: 'ResourceConfig.VolumeSizeInGB', honoured: 'not a limit: the job has the disk of this machine' },
  {
    member: 'ResourceConfig.VolumeKmsKeyId',
    difference: {
      when: GIVEN,
      here: 'files of the running job are not encrypted',
      why: 'they lie on the disk of this machine',
    },
  },
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
    difference: { when: GIVEN, here: 'the job starts at once', why: 'there is no capacity to wait for' },
  },
  {
    member: 'StoppingCondition.MaxPendingTimeInSeconds',
    difference: { when: GIVEN, here: 'the job starts at once', why: 'there is no capacity to wait for' },
  },

  {
    member: 'EnableNetworkIsolation',
    honoured: 'no way out, nor to this machine, and no keys; hosts of one job reach each other',
  },
  {
    member: 'EnableInterContainerTrafficEncryption',
    honoured: 'no effect with one host, as on SageMaker',
    difference: {
      when: TRUE_WITH_PEERS,
      here: 'traffic between the hosts is not encrypted',
      why: 'it does not leave this machine',
    },
  },
  {
    member: 'EnableManagedSpotTraining',
    refused: [
      {
        when: TRUE,
        why: 'optml cannot interrupt and restart a job as spot does yet',
        instead: 'set it to false and leave out MaxWaitTimeInSeconds',
      },
    ],
  },
  {
    member: 'VpcConfig.**',
    difference: {
      when: GIVEN,
      here: "one host is on the engine's default network, several on one of the job's own, an isolated one on none",
      why: 'there are no subnets and security groups here',
    },
  },
  {
    member: 'CheckpointConfig.**',
    refused: [
      {
        when: GIVEN,
        why: 'optml does not restore and upload checkpoints yet',
        instead: 'leave it out to run without them',
      },
    ],
  },
  {
    member: 'RetryStrategy.**',
    difference: {
      when: GIVEN,
      here: 'the job is tried once',
      why: "it is for faults of SageMaker's platform, which is not here",
    },
  },
  {
    member: 'Tags.**',
    difference: {
      when: GIVEN,
      here: 'they are kept in the request of the job only',
      why: 'nothing here lists or bills by tags',
    },
  },

  {
    member: 'DebugHookConfig.**',
    difference: {
      when: GIVEN,
      here: 'the config file is written; the tensors are uploaded once, when the job has ended',
      why: 'optml does not upload while a job runs yet',
    },
  },
  {
    member: 'DebugRuleConfigurations.**',
    difference: { when: GIVEN, here: 'no rule is evaluated', why: 'rules run in processing jobs of AWS' },
  },
  {
    member: 'TensorBoardOutputConfig.**',
    difference: {
      when: GIVEN,
      here: 'the config file is written; the folder is uploaded once, when the job has ended',
      why: 'optml does not upload while a job runs yet',
    },
  },
  {
    member: 'ProfilerConfig.**',
    difference: {
      when: PROFILING,
      here: 'nothing is profiled and `profilerconfig.json` is not written; what your script writes under /opt/ml/output/profiler is uploaded to S3OutputPath once, when the job has ended',
      why: "the profiler is part of SageMaker's instances, and its file is not documented",
    },
  },
  {
    member: 'ProfilerRuleConfigurations.**',
    difference: { when: GIVEN, here: 'no rule is evaluated', why: 'rules run in processing jobs of AWS' },
  },
  {
    member: 'ExperimentConfig.**',
    difference: {
      when: GIVEN,
      here: 'the job joins no experiment',
      why: 'experiments exist on SageMaker only',
    },
  },
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
