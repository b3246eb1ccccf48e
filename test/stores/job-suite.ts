/** Real jobs on the real engine, whose objects lie in the store: what goes in, what comes out, what is refused. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boto3Job, KEYS_LINE } from '../harness/boto3-job.js';
import { refusedJob, runJob, STACK_TRACE, startJob, type EndedJob } from '../harness/job.js';
import { asOrdinaryUser } from '../harness/ordinary-user.js';
import { channel, shellJob, type Request } from '../harness/requests.js';
import {
  AWS_CLI_LINES,
  awsCliJob,
  JAVASCRIPT_LINES,
  javaScriptJob,
  OLD_BOTO3_LINES,
  oldBoto3Job,
  type NamesJob,
  type Place,
} from '../harness/s3-names-job.js';
import { JOB_BUCKET, type JobStore } from './job-store.js';

const run = promisify(execFile);

/** Every file below the channel `c` with its first line, in the order of bytes. */
const SHOW =
  "cd /opt/ml/input/data/c; find . -type f ! -name '*-manifest' -printf '%P ' -exec head -n 1 {} \\; | LC_ALL=C sort";

export interface JobSubject {
  readonly openStore: () => Promise<JobStore>;
  /** The embedded store needs no keys, and makes the buckets of outputs. */
  readonly isServer: boolean;
}

export function jobSuite({ openStore, isServer }: JobSubject): void {
  describe('a job', () => {
    let store: JobStore;
    beforeAll(async () => {
      store = await openStore();
    });
    afterAll(() => store.close());

    const output = (members: Request = {}): Request => ({
      OutputDataConfig: { S3OutputPath: 's3://jobs/out', ...members },
    });

    async function runIn(request: Request): Promise<EndedJob> {
      const { home, args, env } = await store.place();
      return runJob(request, { home, args, env });
    }

    function outputOf({ described }: EndedJob, path: string): Promise<Buffer> {
      return store.read(`out/${described.TrainingJobName}/output/${path}`);
    }

    it('finds odd and nested keys as files', async () => {
      const objects: Record<string, string> = {
        'a b.txt': 'blank\n',
        'a+b%2F.txt': 'plus\n',
        'deep/er/ü日本😀.txt': 'unicode\n',
        'quote\'(")&<>.txt': 'quote\n',
      };
      for (const [key, text] of Object.entries(objects)) await store.write(`odd/${key}`, text);
      const { status, log } = await runIn(
        shellJob(SHOW, { InputDataConfig: [channel('c', 's3://jobs/odd/')], ...output() }),
      );
      expect({ status, log: [...log].sort() }).toEqual({
        status: 0,
        log: Object.entries(objects)
          .map(([key, text]) => `${key} ${text.trim()}`)
          .sort(),
      });
    });

    it('finds all of many objects, page after page', async () => {
      const keys = Array.from({ length: 1_100 }, (_, index) => `many/${index % 7}/${index}`);
      await inParallel(keys, key => store.write(key, key));
      const { status, log } = await runIn(
        shellJob(
          'cd /opt/ml/input/data/c; find . -type f | wc -l; find . -type f -exec cat {} + | wc -c; cat 3/3',
          { InputDataConfig: [channel('c', 's3://jobs/many/')], ...output() },
        ),
      );
      const bytes = keys.reduce((sum, key) => sum + key.length, 0);
      expect({ status, log }).toEqual({ status: 0, log: ['1100', String(bytes), 'many/3/3'] });
    });

    it('leaves its model and its output', async () => {
      const job = await runIn(
        shellJob('echo weights > /opt/ml/model/weights; echo data > /opt/ml/output/data/file', output()),
      );
      expect(job.status).toBe(0);
      expect(job.described).toMatchObject({
        TrainingJobStatus: 'Completed',
        ModelArtifacts: {
          S3ModelArtifacts: `s3://jobs/out/${job.described.TrainingJobName}/output/model.tar.gz`,
        },
      });
      expect(await unpacked(await outputOf(job, 'model.tar.gz'), 'weights')).toBe('weights\n');
      expect(await unpacked(await outputOf(job, 'output.tar.gz'), 'file')).toBe('data\n');
    });

    it('leaves a model of several parts, which the next job reads', async () => {
      const first = await runIn(
        shellJob(
          ['head -c 40000000 /dev/urandom > /opt/ml/model/weights', 'sha256sum < /opt/ml/model/weights'],
          output(),
        ),
      );
      expect(first.status).toBe(0);
      const model = `s3://jobs/out/${first.described.TrainingJobName}/output/`;
      const second = await runIn(
        shellJob('tar -xzOf /opt/ml/input/data/c/model.tar.gz weights | sha256sum', {
          InputDataConfig: [channel('c', model)],
          ...output(),
        }),
      );
      expect({ status: second.status, log: second.log }).toEqual({ status: 0, log: first.log });
    });

    it('leaves plain objects when CompressionType is NONE', async () => {
      const job = await runIn(
        shellJob(
          'mkdir -p "/opt/ml/model/a b"; echo one > "/opt/ml/model/a b/ü+%.txt"; echo two > /opt/ml/model/two',
          output({ CompressionType: 'NONE' }),
        ),
      );
      expect(job.status).toBe(0);
      expect((await outputOf(job, 'model/a b/ü+%.txt')).toString()).toBe('one\n');
      expect((await outputOf(job, 'model/two')).toString()).toBe('two\n');
    });

    it('that fails leaves its outputs, and the reason', async () => {
      const job = await runIn(
        shellJob(
          'echo data > /opt/ml/output/data/file; echo "bad luck" > /opt/ml/output/failure; exit 3',
          output(),
        ),
      );
      expect(job.status).toBe(1);
      expect(job.described.TrainingJobStatus).toBe('Failed');
      expect(job.described.FailureReason).toContain('bad luck');
      expect(await unpacked(await outputOf(job, 'output.tar.gz'), 'file')).toBe('data\n');
    });

    it('is refused for a bucket or a prefix that is not there', async () => {
      await store.write('there/x', 'x');
      const { args, env } = await store.place();
      const cases: [Request, string][] = [
        [{ InputDataConfig: [channel('c', 's3://missing-input/x/')] }, 'missing-input'],
        [{ InputDataConfig: [channel('c', 's3://jobs/nothing-here/')] }, 's3://jobs/nothing-here/'],
      ];
      if (isServer)
        cases.push([{ OutputDataConfig: { S3OutputPath: 's3://missing-output/x' } }, 'missing-output']);
      for (const [members, word] of cases) {
        const { home } = await store.place();
        const stderr = await refusedJob(shellJob('true', { ...output(), ...members }), { home, args, env });
        expect(stderr).toContain(word);
      }
    });

    if (isServer)
      it('is not begun with a wrong secret or an unknown key', async () => {
        const { args, env } = await store.place();
        for (const wrong of [{ AWS_SECRET_ACCESS_KEY: 'wrong' }, { AWS_ACCESS_KEY_ID: 'NOBODY' }]) {
          const job = await startJob(shellJob('true', output()), { args, env: { ...env, ...wrong } });
          const { status, stdout, stderr } = await job.ended;
          expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
          // Swift does not tell them apart.
          expect(stderr).toMatch(/AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)/);
          expect(stderr).not.toMatch(STACK_TRACE);
        }
      });

    it('reaches the store from inside with boto3, which has neither an endpoint nor keys in its code', async () => {
      await store.write('inside/numbers.txt', '123');
      const { home, args, env } = await store.place();
      const { request, maps } = await boto3Job(home, {
        bucket: JOB_BUCKET,
        prefix: 'inside',
        output: 's3://jobs/out',
      });
      const { status, stderr } = await runJob(request, { home, args: [...args, ...maps], env });
      expect(stderr).toContain(KEYS_LINE);
      expect(status).toBe(0);
      const secret = env['AWS_SECRET_ACCESS_KEY'];
      if (secret !== undefined) expect(stderr).not.toContain(`'${secret}'`);
      expect((await store.read('inside/out/copy with space+plus.txt')).toString()).toBe('321');
    });

    describe.each(['root', 'an ordinary user'])("reaches the store under S3's own names, of %s,", who => {
      async function runNamed(
        jobOf: (folder: string, at: Place) => Promise<NamesJob>,
        prefix: string,
      ): Promise<EndedJob> {
        const { home, args, env } = await store.place();
        const at = { bucket: JOB_BUCKET, prefix, output: 's3://jobs/out' };
        const job = await jobOf(home, at);
        const user = who === 'root' ? { home, env: {} } : await asOrdinaryUser(home);
        return runJob(job.request, { ...user, args: [...args, ...job.args], env: { ...env, ...user.env } });
      }

      it('with boto3 1.26', async () => {
        const { status, log } = await runNamed(oldBoto3Job, `old ${who}`.replaceAll(' ', '-'));
        expect({ status, log }).toEqual({ status: 0, log: OLD_BOTO3_LINES });
      });

      it('with the AWS CLI of Debian', async () => {
        const { status, log } = await runNamed(awsCliJob, `cli ${who}`.replaceAll(' ', '-'));
        expect({ status, log: log.slice(1) }).toEqual({ status: 0, log: AWS_CLI_LINES });
      });
    });

    it("reaches the store by address and under S3's own names with the SDK for JavaScript", async () => {
      const { home, args, env } = await store.place();
      const at = { bucket: JOB_BUCKET, prefix: 'js', output: 's3://jobs/out' };
      const job = await javaScriptJob(home, at);
      const { status, log } = await runJob(job.request, { home, args: [...args, ...job.args], env });
      expect({ status, log }).toEqual({ status: 0, log: JAVASCRIPT_LINES });
    });
  });
}

async function unpacked(tarball: Buffer, member: string): Promise<string> {
  const tar = run('tar', ['-xzO', member]);
  tar.child.stdin?.end(tarball);
  return (await tar).stdout;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
