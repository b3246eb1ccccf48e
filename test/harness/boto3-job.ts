/** A job whose script knows nothing of optml: boto3 in the words of its documentation, no endpoint and no keys in it. */
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { pythonClients } from '../store/clients.js';
import { channel, shellJob, type Request } from './requests.js';

/** Reads `PREFIX/numbers.txt` of the bucket, and writes below `PREFIX/out/`. */
const SCRIPT = `
import boto3, os
BUCKET, PREFIX = os.environ["BUCKET"], os.environ["PREFIX"]
s3 = boto3.client("s3")
body = s3.get_object(Bucket=BUCKET, Key=PREFIX + "/numbers.txt")["Body"].read()
s3.put_object(Bucket=BUCKET, Key=PREFIX + "/out/copy with space+plus.txt", Body=body[::-1])
open("/tmp/large", "wb").write(os.urandom(1000) * 20000)
s3.upload_file("/tmp/large", BUCKET, PREFIX + "/out/large.bin")
s3.download_file(BUCKET, PREFIX + "/out/large.bin", "/tmp/back")
assert open("/tmp/back", "rb").read() == open("/tmp/large", "rb").read()
keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX + "/out/")["Contents"]]
print("KEYS", [key[len(PREFIX):] for key in keys])
print("ENV", sorted(os.environ.items()))
`;

/** What the script prints when all went well. */
export const KEYS_LINE = "KEYS ['/out/copy with space+plus.txt', '/out/large.bin']";

export interface Boto3Job {
  readonly request: Request;
  /** The flags that bring script and packages in. */
  readonly maps: readonly string[];
}

export async function boto3Job(
  folder: string,
  { bucket, prefix, output }: { readonly bucket: string; readonly prefix: string; readonly output: string },
): Promise<Boto3Job> {
  const code = join(folder, 'code.py');
  const packages = join(folder, 'packages');
  await writeFile(code, SCRIPT);
  await copyPackages(packages);
  const request = shellJob('', {
    AlgorithmSpecification: {
      TrainingImage: 'optml-demo:latest',
      TrainingInputMode: 'File',
      ContainerEntrypoint: ['python3', '/opt/ml/input/data/code/code.py'],
    },
    Environment: { PYTHONPATH: '/opt/ml/input/data/packages', BUCKET: bucket, PREFIX: prefix },
    InputDataConfig: [channel('code', 's3://local/code.py'), channel('packages', 's3://local/packages/')],
    OutputDataConfig: { S3OutputPath: output },
  });
  return {
    request,
    maps: ['--map', `s3://local/code.py=${code}`, '--map', `s3://local/packages=${packages}`],
  };
}

/** boto3 and what it needs for S3: the models of all other services are thousands of files. */
async function copyPackages(target: string): Promise<void> {
  const lib = join(pythonClients().python, '../../lib');
  const [version = ''] = await readdir(lib);
  const site = join(lib, version, 'site-packages');
  const models = join(site, 'botocore/data');
  await mkdir(target);
  for (const name of ['boto3', 'botocore', 's3transfer', 'jmespath', 'dateutil', 'urllib3', 'six.py'])
    await cp(join(site, name), join(target, name), {
      recursive: true,
      filter: source => {
        if (basename(source) === '__pycache__') return false;
        const [model = ''] = relative(models, source).split('/');
        return ['', '..', 's3'].includes(model) || model.endsWith('.json') || model.endsWith('.gz');
      },
    });
}
