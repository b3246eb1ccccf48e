/** Every example of `fixtures/requests/` runs, and the plan of each is what its container saw. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heldStop } from '../harness/held-stop.js';
import { seesNothingLeft, type Described } from '../harness/job.js';
import { optml, scratch, start } from '../harness/optml.js';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'fixtures/requests');
/** Run apart: by tests of their own, or below. */
const APART = ['cluster.yaml', 'script-mode.yaml', 'spot.yaml', 'watched.yaml'];
/** The README's pipeline, whose test runs them. */
const PIPELINE = ['split-digits.yaml', 'evaluate-digits.yaml'];
const PROCESSING = ['pipe-processing.yaml', 'shard-digits.yaml'];
const EXAMPLES = readdirSync(FOLDER).filter(
  name => name.endsWith('.yaml') && ![...APART, ...PIPELINE, ...PROCESSING].includes(name),
);

const MAPS = [
  ...['--map', `s3://optml-demo/digits=${join(ROOT, 'fixtures/digits')}`],
  ...['--map-fs', `fs-0123456789abcdef0=${join(ROOT, 'fixtures/digits')}`],
];

interface Plan {
  readonly hosts: readonly {
    readonly files: Readonly<Record<string, string>>;
    readonly channels: readonly {
      readonly objects: readonly { readonly path: string; readonly bytes: number | null }[];
    }[];
  }[];
}

const PARTS = readdirSync(join(ROOT, 'fixtures/digits/train'))
  .sort()
  .map(name => readFileSync(join(ROOT, 'fixtures/digits/train', name)));

/** What the examples of Pipe mode print. */
const PIPED: Readonly<Record<string, readonly string[]>> = {
  'pipe.yaml': [
    ...[0, 1].map(epoch => `epoch ${epoch}: ${checksum(Buffer.concat(PARTS))}`),
    'validation is a folder: part-00000.csv',
  ],
  'pipe-gzip.yaml': ['1797 lines'],
  'pipe-shuffle.yaml': [2, 1, 0].map(
    (part, epoch) => `epoch ${epoch} begins with ${PARTS[part]?.subarray(0, 20).toString() ?? ''}`,
  ),
  'pipe-recordio.yaml': [
    `${PARTS.reduce((sum, part) => sum + 8 + Math.ceil(part.length / 4) * 4, 0)} bytes, which begin with  ced7230a ${(PARTS[0]?.length ?? 0).toString(16).padStart(8, '0')}`,
  ],
  // A record of each part and one of its number: eight bytes before, and padding behind.
  'augmented-manifest.yaml': [
    `${PARTS.reduce((sum, part) => sum + 8 + Math.ceil(part.length / 4) * 4 + 8 + 4, 0)} bytes, which begin with  ced7230a`,
  ],
};

/** As `cksum` prints it. */
function checksum(bytes: Buffer): string {
  return execFileSync('cksum', { input: bytes, encoding: 'utf8' }).trim();
}

test('there is one of each way in', () => {
  expect(EXAMPLES.map(name => name.replace('.yaml', ''))).toEqual([
    'augmented-manifest',
    'checkpoints',
    'fastfile',
    'file-system',
    'file',
    'manifest',
    'pipe-gzip',
    'pipe-recordio',
    'pipe-shuffle',
    'pipe',
    'sharded',
  ]);
});

test.each([...EXAMPLES, ...APART, ...PROCESSING])('%s says how it is run', example => {
  expect(readFileSync(join(FOLDER, example), 'utf8')).toContain(`optml run fixtures/requests/${example} --`);
});

describe.each(Object.keys(PIPED))('%s', example => {
  test('completes, and its container reads what the objects hold', async () => {
    const home = await scratch('home');
    await copyFile(join(FOLDER, example), join(home, example));
    const { status, stdout, stderr } = await optml(['run', example, '--json', ...MAPS], { home });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
    await seesNothingLeft(home, (JSON.parse(stdout) as Described).TrainingJobName);
    expect(containerLines(stderr)).toEqual(PIPED[example]);
  });
});

describe.each(EXAMPLES.filter(example => !(example in PIPED)))('%s', example => {
  test('completes, and its container sees what the plan says', async () => {
    const home = await scratch('home');
    await copyFile(join(FOLDER, example), join(home, example));
    const planned = await optml(['plan', example, ...MAPS], { home });
    const { status, stdout, stderr } = await optml(['run', example, '--json', ...MAPS], { home });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
    const name = (JSON.parse(stdout) as Described).TrainingJobName;
    await seesNothingLeft(home, name);
    const { hosts } = JSON.parse(planned.stdout) as Plan;
    const seen = containerLines(stderr);
    expect(seen).toEqual(example === 'file-system.yaml' ? trainFiles() : plannedFiles(hosts[0], seen));
    expect(seen.length).toBeGreaterThan(1);
  });
});

describe('processing jobs', () => {
  const runExample = async (
    example: string,
  ): Promise<{ home: string; described: Described; lines: string[] }> => {
    const home = await scratch('home');
    await copyFile(join(FOLDER, example), join(home, example));
    const code = ['--map', `s3://optml-demo/code=${join(ROOT, 'fixtures/processing')}`];
    const { status, stdout, stderr } = await optml(['run', example, '--json', ...MAPS, ...code], { home });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
    const described = JSON.parse(stdout) as Described;
    await seesNothingLeft(home, String(described['ProcessingJobName']));
    return { home, described, lines: containerLines(stderr) };
  };

  test('shard-digits.yaml: three instances count their shards, and together they have every row', async () => {
    const { home, described } = await runExample('shard-digits.yaml');
    const reports = [1, 2, 3].map(
      host =>
        JSON.parse(readFileSync(join(home, `s3/optml-demo/summary/algo-${host}.json`), 'utf8')) as {
          files: string[];
          rows: number;
          digits: Record<string, { count: number }>;
        },
    );
    expect(reports.map(({ files }) => files)).toEqual([0, 1, 2].map(part => [`part-0000${part}.csv`]));
    const rows = PARTS.map(part => part.toString().trimEnd().split('\n'));
    expect(reports.map(report => report.rows)).toEqual(rows.map(lines => lines.length));
    const sevens = rows.flat().filter(line => line.endsWith(',7')).length;
    expect(reports.reduce((sum, { digits }) => sum + (digits['7']?.count ?? 0), 0)).toBe(sevens);
    for (const host of [1, 2, 3]) expect(described['ExitMessage']).toContain(`algo-${host}: `);
  });

  test('pipe-processing.yaml: every line of the unpacked object comes through the FIFO', async () => {
    const { home, lines } = await runExample('pipe-processing.yaml');
    expect(lines).toEqual(['1797']);
    expect(readFileSync(join(home, 's3/optml-demo/count/lines'), 'utf8')).toBe('1797\n');
  });
});

test('spot.yaml loses no more than the epoch in which it is interrupted', async () => {
  const home = await scratch('home');
  await copyFile(join(FOLDER, 'spot.yaml'), join(home, 'spot.yaml'));
  const maps = [...MAPS, '--map', `s3://optml-demo/code=${join(ROOT, 'fixtures/code')}`];
  const args = ['run', 'spot.yaml', '--json', '--interrupt-after', '3,2', ...maps];
  // A program that has not begun yet would not hear of the first.
  const { env, release } = await heldStop();
  const running = start(args, { home, env });
  await running.shows('algo-1 | epoch 1 ');
  release();
  const { status, stdout, stderr } = await running.ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
  const described = JSON.parse(stdout) as Described;
  await seesNothingLeft(home, described.TrainingJobName);
  const interruptions = described.SecondaryStatusTransitions.filter(one => one.Status === 'Interrupted');
  expect(interruptions).toHaveLength(2);
  const lines = containerLines(stderr);
  const epochs = lines.flatMap(line => /^epoch (\d+) /.exec(line)?.[1] ?? []);
  expect(epochs).toEqual(Array.from({ length: 12 }, (_, index) => `${index + 1}`));
  // A start goes on with the epoch in which the one before was interrupted.
  let ended = 0;
  for (const line of lines) {
    ended = Number(/^epoch (\d+) /.exec(line)?.[1] ?? ended);
    if (/^(starts|resumes)/.test(line))
      expect(line).toBe(ended === 0 ? 'starts anew' : `resumes after epoch ${ended}`);
  }
  const left = readdirSync(join(home, 's3/optml-demo/checkpoints/example-spot')).sort();
  expect(left).toEqual(['epoch-0011.npy', 'epoch-0012.npy']);
});

function containerLines(stderr: string): string[] {
  return stderr.split('\n').flatMap(line => /^algo-1 \| (.*)$/.exec(line)?.[1] ?? []);
}

/** Paths below the channels and bytes, of objects and manifests; where the plan knows no bytes, those that were seen. */
function plannedFiles(host: Plan['hosts'][number] | undefined, seen: readonly string[]): string[] {
  const data = '/opt/ml/input/data/';
  const manifests = Object.entries(host?.files ?? {})
    .filter(([path]) => path.startsWith(data))
    .map(([path, text]) => ({ path, bytes: Buffer.byteLength(text) }));
  const objects = host?.channels.flatMap(channel => channel.objects) ?? [];
  return [...objects, ...manifests]
    .map(({ path, bytes }) => {
      const file = path.slice(data.length);
      return bytes === null ? (seen.find(line => line.startsWith(`${file} `)) ?? file) : `${file} ${bytes}`;
    })
    .sort();
}

/** A file system has no listing: its folder is there as it is. */
function trainFiles(): string[] {
  const folder = join(ROOT, 'fixtures/digits/train');
  return readdirSync(folder)
    .sort()
    .map(name => `train/${name} ${readFileSync(join(folder, name)).length}`);
}
