/** What cannot be said in an AWS request: flags, then `OPTML_*` variables, then the config file (design §2). */
import { isAbsolute, resolve } from 'node:path';
import { OptmlError } from './errors.js';
import type { FileSettings } from './settings-file.js';

export interface Settings {
  /** Absolute. */
  readonly home: string;
  /** `embedded`, `aws`, or the URL of an S3-compatible server. */
  readonly store: string;
  /** `s3://bucket/prefix=./folder`, relative to `workingFolder`. */
  readonly maps: readonly string[];
  /** `fs-0123…=./folder`, relative to `workingFolder`. */
  readonly mapFs: readonly string[];
  /** `InputName=./folder`, relative to `workingFolder`. */
  readonly mapDataset: readonly string[];
  /** `download`: FastFile channels are fetched before the start; `lazy`: they are mounted. */
  readonly fastfile: 'download' | 'lazy';
  /** The request's image → a local one. */
  readonly mapImages: Readonly<Record<string, string>>;
  readonly port: number;
  readonly region: string;
  readonly account: string;
  readonly dockerHost: string | undefined;
  readonly strict: boolean;
  readonly keep: boolean;
  /** A container gets as much of the machine as its instance type has. */
  readonly emulateInstance: boolean;
  readonly workingFolder: string;
}

/** Flags as the command line has them; all absent where they were not given. */
export interface SettingFlags {
  readonly home?: string;
  readonly store?: string;
  readonly map?: readonly string[];
  readonly mapFs?: readonly string[];
  readonly mapDataset?: readonly string[];
  readonly fastfile?: string;
  readonly mapImage?: readonly string[];
  readonly port?: string;
  readonly region?: string;
  readonly account?: string;
  readonly dockerHost?: string;
  readonly strict?: boolean;
  readonly keep?: boolean;
  readonly emulateInstance?: boolean;
}

export interface SettingSources {
  readonly flags: SettingFlags;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The config file, checked by `checkSettingsFile`; undefined without one. */
  readonly file: { readonly path: string; readonly settings: FileSettings } | undefined;
  readonly workingFolder: string;
  /** The user's own folder. */
  readonly userFolder: string;
}

/** Throws USAGE, naming the source of the wrong value. */
export function resolveSettings(sources: SettingSources): Settings {
  const { flags, environment, workingFolder, userFolder } = sources;
  const file: FileSettings = sources.file?.settings ?? {};
  const one = (flag: string | undefined, name: string, key: keyof FileSettings): Sourced | undefined => {
    if (flag !== undefined) return { value: flag, from: `--${dashed(key)}` };
    const set = variable(environment, name);
    if (set !== undefined) return set;
    const value = file[key];
    return value === undefined
      ? undefined
      : { value: String(value), from: `${key} in ${sources.file?.path ?? ''}` };
  };
  const port = one(flags.port, 'OPTML_PORT', 'port');
  const region =
    one(flags.region, 'OPTML_REGION', 'region') ??
    variable(environment, 'AWS_REGION') ??
    variable(environment, 'AWS_DEFAULT_REGION');
  const account = one(flags.account, 'OPTML_ACCOUNT', 'account');
  const store = one(flags.store, 'OPTML_STORE', 'store');
  const home =
    checked(one(flags.home, 'OPTML_HOME', 'home'), /\S/, 'a folder') ?? resolve(userFolder, '.optml');
  return {
    home: isAbsolute(home) ? home : resolve(workingFolder, home),
    store:
      checked(
        store,
        /^(embedded|aws|https?:\/\/.+)$/,
        'embedded, aws, or a URL such as http://127.0.0.1:9000',
      ) ?? 'embedded',
    maps: flags.map ?? lines(environment['OPTML_MAP']) ?? file.map ?? [],
    mapDataset: flags.mapDataset ?? lines(environment['OPTML_MAP_DATASET']) ?? file.mapDataset ?? [],
    mapFs: flags.mapFs ?? lines(environment['OPTML_MAP_FS']) ?? file.mapFs ?? [],
    fastfile: fastfileOf(one(flags.fastfile, 'OPTML_FASTFILE', 'fastfile')),
    mapImages: imageMaps(flags.mapImage ?? lines(environment['OPTML_MAP_IMAGE']) ?? file.mapImage ?? []),
    port: Number(
      checked(
        port,
        /^([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$/,
        'a port from 0 to 65535',
      ) ?? 4566,
    ),
    region: checked(region, /^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as us-east-1') ?? 'us-east-1',
    account: checked(account, /^\d{12}$/, 'twelve digits') ?? '000000000000',
    dockerHost: checked(
      one(flags.dockerHost, 'OPTML_DOCKER_HOST', 'dockerHost'),
      /\S/,
      'an address such as unix:///var/run/docker.sock',
    ),
    strict: flags.strict ?? asBoolean(one(undefined, 'OPTML_STRICT', 'strict')) ?? false,
    keep: flags.keep ?? asBoolean(one(undefined, 'OPTML_KEEP', 'keep')) ?? false,
    emulateInstance:
      flags.emulateInstance ??
      asBoolean(one(undefined, 'OPTML_EMULATE_INSTANCE', 'emulateInstance')) ??
      false,
    workingFolder,
  };
}

interface Sourced {
  readonly value: string;
  readonly from: string;
}

/** An empty variable counts as one that is not set. */
function variable(environment: SettingSources['environment'], name: string): Sourced | undefined {
  const value = environment[name];
  return value === undefined || value === '' ? undefined : { value, from: name };
}

function checked(given: Sourced | undefined, form: RegExp, expected: string): string | undefined {
  if (given === undefined || form.test(given.value)) return given?.value;
  throw new OptmlError('USAGE', `${given.from} is "${given.value}": expected ${expected}.`);
}

function asBoolean(given: Sourced | undefined): boolean | undefined {
  const value = checked(given, /^(true|false|1|0|yes|no)$/, 'true or false');
  return value === undefined ? undefined : ['true', '1', 'yes'].includes(value);
}

function fastfileOf(given: Sourced | undefined): Settings['fastfile'] {
  return checked(given, /^(download|lazy)$/, 'download or lazy') === 'lazy' ? 'lazy' : 'download';
}

/** `URI=local:tag`; a digest holds no `=`, so the first one counts. */
function imageMaps(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map(text => {
    const at = text.indexOf('=');
    if (at < 1 || at === text.length - 1)
      throw new OptmlError('USAGE', `"${text}" is no image map: expected --map-image URI=local:tag.`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

/** Several values in one variable stand on lines of their own. */
function lines(text: string | undefined): string[] | undefined {
  if (text === undefined || text === '') return undefined;
  return text.split('\n').filter(line => line !== '');
}

function dashed(key: string): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}
