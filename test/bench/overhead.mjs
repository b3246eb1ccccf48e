/** What a job costs over `docker run --rm` of the same image: a container that runs `true`, no channels, no outputs. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEmulator, resolveSettings } from '../../dist/index.js';
import { command, inTurn, machine, ROOT } from './measure.mjs';

const ROUNDS = 10;
const IMAGE = 'optml-shell:latest';

export async function bench() {
  const cache = join(ROOT, 'node_modules/.cache/bench');
  await mkdir(cache, { recursive: true });
  const home = await mkdtemp(join(cache, 'overhead-'));
  try {
    const request = {
      TrainingJobName: 'overhead',
      RoleArn: 'arn:aws:iam::000000000000:role/overhead',
      AlgorithmSpecification: {
        TrainingImage: IMAGE,
        TrainingInputMode: 'File',
        ContainerEntrypoint: ['true'],
      },
      OutputDataConfig: { S3OutputPath: 's3://overhead/out' },
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 1 },
    };
    const file = join(home, 'request.json');
    await writeFile(file, JSON.stringify(request));
    const settings = resolveSettings({
      flags: { home },
      environment: {},
      file: undefined,
      workingFolder: home,
      userFolder: home,
    });
    const emulator = createEmulator({ settings, environment: process.env });
    const inProcess = async () => {
      const { TrainingJobStatus } = await emulator.runTrainingJob(request);
      if (TrainingJobStatus !== 'Completed') throw new Error(`the job is ${TrainingJobStatus}`);
    };
    const cold = [join(ROOT, 'dist/faces/cli/main.js'), 'run', file, '--quiet', '--home', home];
    const figures = await inTurn(
      [
        { name: 'docker run --rm', run: () => command('docker', ['run', '--rm', IMAGE, 'true']) },
        { name: 'optml in-process', run: inProcess },
        { name: 'optml cold', run: () => command(process.execPath, cold) },
      ],
      ROUNDS,
    );
    const base = figures.get('docker run --rm').wall;
    console.log(`\noverhead of a job that runs true; medians of ${ROUNDS}, in turn (${machine()})`);
    for (const [name, { wall }] of figures)
      console.log(
        `  ${name.padEnd(18)} ${wall.toFixed(0).padStart(5)} ms  ${wall >= base ? '+' : ''}${(wall - base).toFixed(0)} ms`,
      );
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
