/** Jobs whose clients know S3 by its own names only: Debian's boto3 and AWS CLI, and an SDK for JavaScript that is told nothing. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { channel, shellJob, type Request } from './requests.js';

const ROOT = join(import.meta.dirname, '../..');
const CODE = '/opt/ml/input/data/code';

export interface NamesJob {
  readonly request: Request;
  readonly args: readonly string[];
}

/** As in boto3's documentation: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/s3-uploading-files.html */
const HELLO = `
import boto3
s3 = boto3.client('s3')
s3.upload_file('hello.txt', 'BUCKET', 'hello-remote.txt')
s3.download_file('BUCKET', 'hello-remote.txt', 'hello2.txt')
print("BOTO3", boto3.__version__)
print(open("hello2.txt").read(), end="")
`;

/** What the documentation's script prints. `PREFIX` of the keys is none: the bucket is the test's own. */
export const HELLO_LINE = 'Hello from the container';

/** The script in boto3's own words, in an image that has it. */
export function helloJob(
  folder: string,
  { bucket, output }: { readonly bucket: string; readonly output: string },
): Promise<NamesJob> {
  return scriptJob(folder, {
    text: HELLO.replaceAll('BUCKET', bucket),
    run: `cd /tmp && echo "${HELLO_LINE}" > hello.txt && python3 ${CODE}/code`,
    output,
  });
}

/** What an old boto3 can do beside it, each with the name that it goes to. */
const OLD_BOTO3 = `
import boto3, os, socket, ssl, sys, urllib.request
from botocore.config import Config
assert boto3.__version__.startswith("1.26."), boto3.__version__
bucket, prefix = sys.argv[1:3]

def put_and_get(name, **options):
    s3 = boto3.client("s3", **options)
    asked = []
    s3.meta.events.register("before-send.s3", lambda request, **_: asked.append(request.url.split("/")[2]))
    s3.put_object(Bucket=bucket, Key=prefix + "/" + name, Body=b"small")
    assert s3.get_object(Bucket=bucket, Key=prefix + "/" + name)["Body"].read() == b"small"
    print(name, asked[0].replace(bucket, "BUCKET"))
    return s3

put_and_get("default")
put_and_get("region", region_name="eu-central-1")
put_and_get("path", config=Config(s3={"addressing_style": "path"}))
put_and_get("dualstack", region_name="ap-southeast-2", config=Config(s3={"use_dualstack_endpoint": True}))
s3 = put_and_get("virtual", region_name="us-west-2", config=Config(s3={"addressing_style": "virtual"}))

open("/tmp/large", "wb").write(os.urandom(1000) * 40000)
s3.upload_file("/tmp/large", bucket, prefix + "/large")
assert s3.head_object(Bucket=bucket, Key=prefix + "/large")["ETag"].endswith('-5"')
s3.download_file(bucket, prefix + "/large", "/tmp/back")
assert open("/tmp/back", "rb").read() == open("/tmp/large", "rb").read()

url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": prefix + "/default"})
trusted = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
assert urllib.request.urlopen(url, context=trusted).read() == b"small"

addresses = {socket.gethostbyname(name) for name in ("s3.amazonaws.com", "S3.sa-east-1.AMAZONAWS.com", "a.b.MyBucket.s3.cn-north-1.amazonaws.com.cn")}
print("one address:", len(addresses) == 1)
`;

export const OLD_BOTO3_LINES = [
  'default BUCKET.s3.amazonaws.com',
  'region BUCKET.s3.eu-central-1.amazonaws.com',
  'path s3.amazonaws.com',
  'dualstack BUCKET.s3.dualstack.ap-southeast-2.amazonaws.com',
  'virtual BUCKET.s3.us-west-2.amazonaws.com',
  'one address: True',
];

export function oldBoto3Job(folder: string, at: Place): Promise<NamesJob> {
  return scriptJob(folder, {
    text: OLD_BOTO3,
    run: `python3 ${CODE}/code ${at.bucket} ${at.prefix}`,
    output: at.output,
  });
}

export interface Place {
  readonly bucket: string;
  readonly prefix: string;
  readonly output: string;
}

const AWS_CLI = `
set -e
aws --version
where=s3://$1/$2
head -c 20000000 /dev/urandom > /tmp/large
aws s3 cp --only-show-errors /tmp/large $where/large
aws s3 cp --only-show-errors --region eu-west-3 $where/large /tmp/back
cmp /tmp/large /tmp/back
echo small | aws s3 cp --only-show-errors - $where/small
aws s3 ls $where/ | awk '{ print $3, $4 }'
`;

/** Of Debian's AWS CLI. */
export const AWS_CLI_LINES = ['20000000 large', '6 small'];

export function awsCliJob(folder: string, { bucket, prefix, output }: Place): Promise<NamesJob> {
  return scriptJob(folder, { text: AWS_CLI, run: `sh ${CODE}/code ${bucket} ${prefix}`, output });
}

const JAVASCRIPT = `
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
const [Bucket, prefix] = process.argv.slice(2);
async function putAndGet(name, client) {
  const Key = prefix + '/' + name;
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'small' }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  console.log(name, await Body.transformToString());
}
await putAndGet('address', new S3Client({}));
// As one that does not know the variable.
delete process.env.AWS_ENDPOINT_URL_S3;
await putAndGet('name', new S3Client({}));
await putAndGet('region', new S3Client({ region: 'eu-north-1' }));
await putAndGet('path', new S3Client({ forcePathStyle: true }));
`;

export const JAVASCRIPT_LINES = ['address small', 'name small', 'region small', 'path small'];

/** With this machine's Node, and the SDK of its checkout. */
export async function javaScriptJob(folder: string, { bucket, prefix, output }: Place): Promise<NamesJob> {
  const id = 'fs-0123456789abcdef0';
  const job = await scriptJob(folder, {
    text: JAVASCRIPT,
    run: `cp ${CODE}/code /opt/ml/input/data/code.mjs && cp /opt/ml/input/data/node/node /tmp && chmod +x /tmp/node && NODE_NO_WARNINGS=1 /tmp/node /opt/ml/input/data/code.mjs ${bucket} ${prefix}`,
    output,
    channels: [
      channel('node', 's3://local/node'),
      {
        ChannelName: 'node_modules',
        DataSource: {
          FileSystemDataSource: {
            FileSystemId: id,
            FileSystemType: 'EFS',
            FileSystemAccessMode: 'ro',
            DirectoryPath: '/',
          },
        },
      },
    ],
  });
  const maps = [
    '--map',
    `s3://local/node=${process.execPath}`,
    '--map-fs',
    `${id}=${join(ROOT, 'node_modules')}`,
  ];
  const vpc = { VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] } };
  return { request: { ...job.request, ...vpc }, args: [...job.args, ...maps] };
}

/** The script is the file `code` of the channel `code`. */
async function scriptJob(
  folder: string,
  {
    text,
    run,
    output,
    channels = [],
  }: {
    readonly text: string;
    readonly run: string;
    readonly output: string;
    readonly channels?: readonly Request[];
  },
): Promise<NamesJob> {
  await mkdir(join(folder, 'code'), { recursive: true });
  const file = join(folder, 'code/code');
  await writeFile(file, text);
  const request = shellJob('', {
    AlgorithmSpecification: {
      TrainingImage: 'optml-clients:latest',
      TrainingInputMode: 'File',
      ContainerEntrypoint: ['sh', '-c', run],
    },
    InputDataConfig: [channel('code', 's3://local/code'), ...channels],
    OutputDataConfig: { S3OutputPath: output },
  });
  // Relative to the folder in which the command runs: an ordinary user sees it elsewhere.
  return { request, args: ['--map', `s3://local/code=${relative(folder, file)}`] };
}
