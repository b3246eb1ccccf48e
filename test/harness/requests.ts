/** Requests for tests: a whole CreateTrainingJob body, changed member by member. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type Request = Record<string, unknown>;

let count = 0;

/** A name that no other test has. */
export function jobName(base = 'test'): string {
  count += 1;
  return `${base}-${process.pid}-${count}`;
}

/** A job that runs a shell line in the test image, with the given members put in place of the ordinary ones. */
export function shellJob(line: string | readonly string[], members: Request = {}): Request {
  return {
    TrainingJobName: jobName(),
    RoleArn: 'arn:aws:iam::123456789012:role/Training',
    ...shell(line),
    OutputDataConfig: { S3OutputPath: 's3://outputs/here' },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 600 },
    ...members,
  };
}

/** The member that runs a shell line; or several, up to the first that fails: none may be longer than 256 characters. */
export function shell(line: string | readonly string[], members: Request = {}): Request {
  const words =
    typeof line === 'string' ? [line] : ['for line; do eval "$line" || exit; done', 'sh', ...line];
  return {
    AlgorithmSpecification: {
      TrainingImage: 'optml-shell:latest',
      TrainingInputMode: 'File',
      ContainerEntrypoint: ['sh', '-c', ...words],
      ...members,
    },
  };
}

export function channel(name: string, uri: string, members: Request = {}): Request {
  return {
    ChannelName: name,
    DataSource: {
      S3DataSource: { S3DataType: 'S3Prefix', S3Uri: uri, S3DataDistributionType: 'FullyReplicated' },
    },
    ...members,
  };
}

/** Puts an object into the embedded store of a home by hand: a plain file. */
export async function putObject(home: string, uri: string, content: string | Uint8Array): Promise<void> {
  const file = join(home, 's3', uri.replace('s3://', ''));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** The name of the job, whatever its kind. */
export function nameOf(request: Request): string {
  return String(request['TrainingJobName'] ?? request['ProcessingJobName']);
}

export async function writeRequest(folder: string, request: Request): Promise<string> {
  const file = join(folder, `${nameOf(request)}.json`);
  await writeFile(file, JSON.stringify(request));
  return file;
}
