import { expect, test } from 'vitest';
import { checkSettingsFile } from '../src/settings-file.js';
import { resolveSettings, type SettingSources } from '../src/settings.js';

const resolve = (sources: Partial<SettingSources> = {}): ReturnType<typeof resolveSettings> =>
  resolveSettings({
    flags: {},
    environment: {},
    file: undefined,
    workingFolder: '/work',
    userFolder: '/home/me',
    ...sources,
  });

test('without anything the embedded store in the user’s home is used', () => {
  expect(resolve()).toEqual({
    home: '/home/me/.optml',
    store: 'embedded',
    maps: [],
    mapFs: [],
    mapDataset: [],
    fastfile: 'download',
    mapImages: {},
    port: 4566,
    region: 'us-east-1',
    account: '000000000000',
    dockerHost: undefined,
    strict: false,
    keep: false,
    emulateInstance: false,
    workingFolder: '/work',
  });
});

test('a flag goes before a variable, and a variable before the file', () => {
  const file = {
    path: 'optml.config.json',
    settings: { store: 'aws', region: 'eu-west-1', account: '111111111111' },
  };
  const environment = { OPTML_STORE: 'http://127.0.0.1:9000', OPTML_REGION: 'eu-central-1' };
  expect(resolve({ flags: { store: 'embedded' }, environment, file })).toMatchObject({
    store: 'embedded',
    region: 'eu-central-1',
    account: '111111111111',
  });
});

test('AWS_ENDPOINT_URL is not read: real and other stores are used only when asked for by name', () => {
  expect(
    resolve({ environment: { AWS_ENDPOINT_URL: 'http://evil', AWS_ENDPOINT_URL_S3: 'http://evil' } }).store,
  ).toBe('embedded');
});

test('a home may be relative to the working folder', () => {
  expect(resolve({ flags: { home: 'here' } }).home).toBe('/work/here');
});

test('an empty variable is one that is not set', () => {
  const environment = { OPTML_HOME: '', OPTML_REGION: '', AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' };
  expect(resolve({ environment })).toMatchObject({ home: '/home/me/.optml', region: 'eu-west-1' });
  expect(resolve({ environment: { AWS_REGION: '', AWS_DEFAULT_REGION: '' } }).region).toBe('us-east-1');
});

test.each([
  [{ environment: { AWS_REGION: 'here' } }, 'AWS_REGION is "here": expected a region such as us-east-1.'],
  [{ environment: { AWS_DEFAULT_REGION: 'x' } }, 'AWS_DEFAULT_REGION is "x": expected a region such as'],
  [{ flags: { home: '' } }, '--home is "": expected a folder.'],
  [{ flags: { dockerHost: '' } }, '--docker-host is "": expected an address such as unix:///'],
  [{ flags: { store: '' } }, '--store is "": expected embedded, aws, or a URL'],
  [
    { flags: { store: 'minio' } },
    '--store is "minio": expected embedded, aws, or a URL such as http://127.0.0.1:9000.',
  ],
  [{ environment: { OPTML_STORE: 'ftp://x' } }, 'OPTML_STORE is "ftp://x": expected embedded, aws, or a URL'],
  [{ flags: { region: 'nowhere' } }, '--region is "nowhere": expected a region such as us-east-1.'],
  [{ flags: { account: '12' } }, '--account is "12": expected twelve digits.'],
  [{ environment: { OPTML_PORT: '70000' } }, 'OPTML_PORT is "70000": expected a port from 0 to 65535.'],
  [{ environment: { OPTML_STRICT: 'maybe' } }, 'OPTML_STRICT is "maybe": expected true or false.'],
  [
    { flags: { mapImage: ['no-equals-sign'] } },
    '"no-equals-sign" is no image map: expected --map-image URI=local:tag.',
  ],
])('%j is refused in one sentence', (sources, message) => {
  expect(() => resolve(sources)).toThrow(message);
});

test.each([
  [{ stroe: 'aws' }, /stroe/],
  [{ strict: 'yes' }, /strict in c\.json is not as expected/],
  [[], /c\.json is not as expected/],
  [null, /c\.json is not as expected/],
])('a config file with %j is refused', (content, message) => {
  expect(() => checkSettingsFile({ path: 'c.json', content })).toThrow(message);
});
