/** Jobs as the ModelTrainer of the SageMaker Python SDK (version 3) sends them, with the scripts that it uploads itself. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonWith } from '../store/clients.js';
import { CLI, start } from './optml.js';
import { jobName, type Request } from './requests.js';

const run = promisify(execFile);

export interface Trainer {
  /** A folder, and a file of it. */
  readonly sourceDir: string;
  readonly entryScript: string;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Name → S3 URI. */
  readonly channels: Readonly<Record<string, string>>;
  readonly instanceCount: number;
  readonly isolated?: boolean;
}

const REQUIREMENTS = join(import.meta.dirname, 'model-trainer-requirements.txt');

/** From PyPI, once a checkout: half a minute. */
export function installModelTrainer(): void {
  pythonWith(REQUIREMENTS);
}

/** The body of CreateTrainingJob, word for word; source and scripts are in the home's store then. */
export async function modelTrainerRequest(home: string, trainer: Trainer): Promise<Request> {
  const python = pythonWith(REQUIREMENTS);
  const up = start(['up', '--port', '0', '--json'], { home });
  await up.shows('endpoint');
  const line = `eval "$('${process.execPath}' '${CLI}' env)" && exec "$@"`;
  const sent = run('sh', ['-euc', line, 'sh', python, join(import.meta.dirname, 'model-trainer.py')], {
    // Its own check of the role asks IAM, which is not here.
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      OPTML_HOME: home,
      SAGEMAKER_VALIDATE_ROLE: 'false',
    },
  });
  sent.child.stdin?.end(JSON.stringify({ baseJobName: jobName('trainer'), isolated: false, ...trainer }));
  const { stdout } = await sent;
  up.signal('SIGINT');
  await up.ended;
  return JSON.parse(stdout) as Request;
}
