/** What npm would publish, installed in an empty folder: it runs the same job. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { expectNothingLeft, expectStatus, objectFile, textIn } from '../harness/aftermath.js';
import { optml, scratch } from '../harness/optml.js';
import { channel, putObject, shellJob, writeRequest, type Request } from '../harness/requests.js';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/** Without scripts, tests must have built it before; the registry is asked only for files that npm has not at hand. */
const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];

it('the package holds the program and no tests, installs in an empty folder, and runs a job there as a command and as a library', async () => {
  const folder = await scratch('pack');
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder, ...QUIET], { cwd: ROOT });
  const [{ filename, integrity, files }] = JSON.parse(packed.stdout) as [Packed];
  const paths = files.map(file => file.path);
  expect(
    paths.filter(path => !/^(dist|docs)\/|^(README|CHANGELOG)\.md$|^LICENSE$|^package\.json$/.test(path)),
  ).toEqual([]);
  expect(
    paths.filter(path => /(^|\/)(test|fixtures|node_modules)\/|\.test\.|tsbuildinfo/.test(path)),
  ).toEqual([]);
  expect(paths).toEqual(
    expect.arrayContaining([
      'dist/index.js',
      'dist/index.d.ts',
      'dist/faces/cli/main.js',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
    ]),
  );

  const place = join(folder, 'elsewhere');
  await mkdir(place);
  await writeLocked(place, { tarball: join(folder, filename), integrity });
  await run('npm', ['ci', '--prefer-offline', ...QUIET], { cwd: place });

  const home = join(folder, 'home');
  await putObject(home, 's3://data/train/a', 'first\n');
  const body = shellJob('cp /opt/ml/input/data/train/a /opt/ml/model/copy', {
    InputDataConfig: [channel('train', 's3://data/train/')],
  });
  const job = String(body['TrainingJobName']);
  const request = await writeRequest(home, body);
  const installed = [join(place, 'node_modules/.bin/optml')] as const;
  const result = await optml(['run', request, '--json'], { home, cwd: place, command: installed });
  expectStatus(result, 0);
  expect((JSON.parse(result.stdout) as Request)['TrainingJobStatus']).toBe('Completed');
  expect(await textIn(objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`), 'copy')).toBe(
    'first\n',
  );
  await expectNothingLeft(home, job);

  const script = `
    import { createEmulator, resolveSettings } from 'optml';
    const sources = { flags: { home: ${JSON.stringify(home)} }, environment: {}, file: undefined, workingFolder: '/', userFolder: '/' };
    const emulator = createEmulator({ settings: resolveSettings(sources), environment: {} });
    const { TrainingJobStatus } = await emulator.runTrainingJob(${JSON.stringify(body)});
    console.log(TrainingJobStatus);`;
  const library = await optml([], {
    home,
    cwd: place,
    command: [process.execPath, '--input-type=module', '--eval', script],
  });
  expectStatus(library, 0);
  expect(library.stdout).toBe('Completed\n');
  await expectNothingLeft(home, job);
});

/**
 * A package that depends on this one, with the checkout's own lock of what that needs: so npm has nothing to look up, and the
 * checkout's `npm ci` has left all of it in npm's cache.
 */
async function writeLocked(place: string, packed: { tarball: string; integrity: string }): Promise<void> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const { '': own, ...others } = lock.packages;
  const needed = Object.entries(others).filter(
    ([, { dev, devOptional }]) => dev !== true && devOptional !== true,
  );
  const dependencies = { optml: `file:${packed.tarball}` };
  const optml = { ...own, resolved: dependencies.optml, integrity: packed.integrity };
  const packages = { '': { dependencies }, ...Object.fromEntries(needed), 'node_modules/optml': optml };
  const write = (name: string, content: object): Promise<void> =>
    writeFile(join(place, name), JSON.stringify(content));
  await write('package.json', { private: true, dependencies });
  await write('package-lock.json', { lockfileVersion: lock.lockfileVersion, requires: true, packages });
}

interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
}

interface Packed {
  readonly filename: string;
  readonly integrity: string;
  readonly files: readonly { readonly path: string }[];
}
