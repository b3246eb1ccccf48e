/** Outputs that are uploaded while the job runs (contract §2.7, S3UploadMode Continuous). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { containerOf, keptPaths, keptText, ROOMS_ARE_VOLUMES } from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { gatedStore, type GatedStore } from '../harness/gated-store.js';
import { startJob, type StartedJob } from '../harness/job.js';
import { afterThis, scratch } from '../harness/optml.js';
import { outputsAt, processingJob } from '../harness/processing.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';

const FOLDER = '/opt/ml/processing/c';
const CONTINUOUS = outputsAt({ c: 's3://out-put/c' }, 'Continuous');
/** Until the test has seen what it wants, and what runs beside it has come to its end, which it sees in this file. */
const STAYS = `echo written; ${untilTold()}; : > /tmp/end; wait`;

interface Uploading {
  readonly store: GatedStore;
  readonly job: StartedJob;
  /** Runs a shell line in the container. */
  readonly inside: (line: string) => Promise<string>;
}

async function uploading(...lines: readonly string[]): Promise<Uploading> {
  return uploadingTo(await gatedStore(), ...lines);
}

async function uploadingTo(store: GatedStore, ...lines: readonly string[]): Promise<Uploading> {
  const job = await startJob(processingJob([HEARS, `cd ${FOLDER}`, ...lines, STAYS], CONTINUOUS), {
    env: store.env,
    args: ['--store', store.url],
  });
  // A test that fails must not leave it waiting for its end.
  afterThis(async () => {
    const container = await containerOf(job.name);
    if (container !== '') await docker('rm', '--force', container);
  });
  await job.shows('algo-1 | written');
  const inside = async (line: string): Promise<string> =>
    docker('exec', await containerOf(job.name), 'sh', '-euc', `cd ${FOLDER}; ${line}`);
  return { store, job, inside };
}

/** Where rooms are volumes they are uploaded when the job has ended, which is said; then there is nothing to see before. */
async function end({ job }: Uploading, status = 0): Promise<Awaited<ReturnType<StartedJob['finish']>>> {
  await tell(job.name);
  const ended = await job.finish();
  expect({ status: ended.status, stderr: ended.stderr }).toMatchObject({ status });
  return ended;
}

function contentOf({ objects }: GatedStore, path: string): string | undefined {
  return objects.get(`out-put/c/${path}`)?.toString();
}

describe.skipIf(ROOMS_ARE_VOLUMES)('while the job runs', () => {
  test('whole files come into the store, with those of new folders, and again when they are written anew', async () => {
    const run = await uploading('mkdir -p sub/deep; echo one > sub/deep/one; echo flat > flat');
    await run.store.until(objects => objects.size === 2);
    expect(contentOf(run.store, 'sub/deep/one')).toBe('one\n');
    await run.inside('echo two > sub/deep/one; mkdir later; echo new > later/new');
    await run.store.until(() => contentOf(run.store, 'sub/deep/one') === 'two\n');
    await run.store.until(() => contentOf(run.store, 'later/new') === 'new\n');
    await run.inside('rm -r later sub; mkdir later; echo newer > later/new; mv flat moved');
    await run.store.until(() => contentOf(run.store, 'later/new') === 'newer\n');
    await run.store.until(() => contentOf(run.store, 'moved') === 'flat\n');
    await end(run);
    // What the container removes stays in the store.
    expect([...run.store.objects.keys()].sort()).toEqual(
      ['flat', 'later/new', 'moved', 'sub/deep/one'].map(path => `out-put/c/${path}`),
    );
  });

  test('none of 20,000 files in one folder and in many is missed', async () => {
    const run = await uploading(
      'for f in $(seq 10000); do echo $f > $f; done',
      'for d in $(seq 100); do mkdir -p a/$d/b; for f in $(seq 100); do echo $d.$f > a/$d/b/$f; done; done',
    );
    await run.store.until(objects => objects.size === 20_000);
    expect(contentOf(run.store, '10000')).toBe('10000\n');
    expect(contentOf(run.store, 'a/100/b/100')).toBe('100.100\n');
    run.store.objects.clear();
    await end(run);
    // Nothing was left for the collecting, which sends no file again.
    expect(run.store.objects.size).toBe(0);
  });

  test('a file that grows, or is kept open by its writer, comes when it is whole', async () => {
    const lines = ['1', '2', '3', '4', '5', '6', '7', '8'].map(line => `${line}\n`);
    const seen = { growing: new Set<string>(), open: new Set<string>() };
    const run = await uploading(
      '(for i in 1 2 3 4 5 6 7 8; do echo $i >> growing; sleep 0.2; done) &',
      '(exec 3> open; echo a >&3; sleep 0.8; echo b >&3; exec 3>&-) &',
    );
    await run.store.until(() => {
      for (const path of ['growing', 'open'] as const) {
        const content = contentOf(run.store, path);
        if (content !== undefined) seen[path].add(content);
      }
      return seen.growing.has(lines.join('')) && seen.open.size > 0;
    });
    await end(run);
    // Closed between its lines, it is whole after each of them for who sees it hold still on a busy machine.
    const whole = lines.map((_, index) => lines.slice(0, index + 1).join(''));
    for (const content of seen.growing) expect(whole).toContain(content);
    expect([...seen.open]).toEqual(['a\nb\n']);
  });

  test('a log that its writer keeps open comes when nothing more is written', async () => {
    const run = await uploading('exec 3> log; echo line >&3');
    await run.store.until(() => contentOf(run.store, 'log') === 'line\n');
    await run.inside('echo appended >> log');
    await run.store.until(() => contentOf(run.store, 'log') === 'line\nappended\n');
    await end(run);
  });

  test('a file that changes while it is uploaded is uploaded again, and the store never has a mixture', async () => {
    const letters = (letter: string): string => `head -c 100000000 /dev/zero | tr '\\0' ${letter}`;
    const store = await gatedStore();
    const part = store.requests.hold(/^PUT \/out-put\/c\/big\?.*partNumber=2(&|$)/);
    const run = await uploadingTo(store, `${letters('a')} > big`);
    await part.reached;
    await run.inside(`${letters('b')} | dd of=big bs=1M conv=notrunc iflag=fullblock 2>/dev/null`);
    part.release();
    const seen = new Set<string>();
    await run.store.until(objects => {
      const big = objects.get('out-put/c/big');
      if (big !== undefined) seen.add(`${String.fromCharCode(big[0] ?? 0, big.at(-1) ?? 0)} ${big.length}`);
      return big?.[0] === 'b'.charCodeAt(0);
    });
    await end(run);
    expect([...seen].filter(one => one !== 'aa 100000000')).toEqual(['bb 100000000']);
  });

  test('a store that fails is told of once, and what could not come is tried again, then kept and named', async () => {
    const run = await uploading('echo first > first');
    await run.store.until(() => contentOf(run.store, 'first') !== undefined);
    await run.store.stop();
    await run.inside('echo second > second');
    await run.job.shows('could not be uploaded while the job runs');
    const ended = await end(run, 1);
    expect(ended.stderr.match(/could not be uploaded while the job runs/g)).toHaveLength(1);
    expect(ended.described).toMatchObject({ ProcessingJobStatus: 'Failed' });
    const [kept = ''] = await keptPaths(ended);
    expect(await keptText(kept, 'second')).toBe('second\n');
  });
});

test('no link is followed, also one that takes the place of a file or a folder while it is uploaded', async () => {
  const secret = join(await scratch('secret'), 'secret');
  await writeFile(secret, 'secret');
  const folder = join(secret, '..');
  const run = await uploading(
    'mkdir real; echo real > real/secret; ln -s /etc/passwd p; ln -s /etc etc; mkfifo fifo; mknod zero c 1 5',
    `swap() { rm -rf d f; ln -s ${folder} d; ln -s ${secret} f; sleep 0.$1; rm d f; cp -r real d; cp real/secret f; }`,
    // Until it is told to end, and not in the middle of a copy.
    '(while :; do for n in 1 4 7; do swap $n; [ -e /tmp/end ] && exit; sleep 1.$n; done; done) &',
  );
  // As soon as it has come and gone some times.
  let answers = 0;
  if (!ROOMS_ARE_VOLUMES) await run.store.until(() => ++answers > 8);
  const { stderr } = await end(run);
  expect(contentOf(run.store, 'real/secret')).toBe('real\n');
  for (const [key, content] of run.store.objects) {
    expect(key).toMatch(/^out-put\/c\/(real\/secret|d\/secret|f)$/);
    expect(content.toString()).toBe('real\n');
  }
  expect(stderr).toMatch(/left out of the upload.*"fifo"/);
});

test('all of it is in the store when the job has ended, also where it could not be watched', async () => {
  const run = await uploading('mkdir -p sub/deep; echo one > sub/deep/one; (sleep 0.5; echo last > last) &');
  if (ROOMS_ARE_VOLUMES) await run.job.shows('uploaded when it has ended');
  await run.inside('until [ -e last ]; do sleep 0.05; done');
  await end(run);
  expect([contentOf(run.store, 'sub/deep/one'), contentOf(run.store, 'last')]).toEqual(['one\n', 'last\n']);
});
