/** What the README shows is run as it stands, block after block, in one home. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkSettingsFile } from '../src/settings-file.js';
import { scratch } from './harness/optml.js';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const run = promisify(execFile);

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    match => match[1] ?? '',
  );
}

describe('commands', () => {
  const commands = blocks('sh').filter(block => block.includes('optml '));
  const setUps = blocks('sh').filter(block => !block.includes('optml '));

  test('there are some, and the others are the two that set everything up', () => {
    expect(commands.length).toBeGreaterThan(1);
    expect(setUps.map(block => block.trim())).toEqual(['npm run demo', 'npm test']);
  });

  test('every one of them succeeds', async () => {
    const home = await scratch('readme');
    for (const block of commands)
      await run('sh', ['-euc', block], { cwd: ROOT, env: { ...process.env, OPTML_HOME: home } });
  });
});

describe('the library', () => {
  const [snippet = ''] = blocks('js');
  let module = '';

  beforeAll(() => {
    module = snippet
      .replace("from 'optml'", `from ${JSON.stringify(join(ROOT, 'dist/index.js'))}`)
      .replace("userFolder: '/home/me'", 'userFolder: process.env.SCRATCH');
    expect(module).not.toBe(snippet);
  });

  test('runs a request as the snippet says', async () => {
    const folder = await scratch('library');
    const request = {
      TrainingJobName: 'from-the-library',
      RoleArn: 'arn:aws:iam::000000000000:role/library',
      AlgorithmSpecification: {
        TrainingImage: 'optml-shell:latest',
        TrainingInputMode: 'File',
        ContainerEntrypoint: ['true'],
      },
      OutputDataConfig: { S3OutputPath: 's3://library/out' },
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 1 },
    };
    const file = join(folder, 'snippet.mjs');
    await writeFile(file, `const request = ${JSON.stringify(request)};\n${module}`);
    const { stdout } = await run(process.execPath, [file], { env: { ...process.env, SCRATCH: folder } });
    expect(stdout).toBe('Completed\n');
  });
});

test('the config file is one that optml takes', () => {
  const [snippet = ''] = blocks('json');
  expect(checkSettingsFile({ path: 'optml.config.json', content: JSON.parse(snippet) })).toMatchObject({
    strict: false,
  });
});

test('every file that it points to is there', () => {
  const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(match => match[1] ?? '');
  expect(links.length).toBeGreaterThan(3);
  for (const link of links) expect(() => readFileSync(join(ROOT, link))).not.toThrow();
});
