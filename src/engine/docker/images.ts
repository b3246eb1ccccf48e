/** Finds the image of a request: under a mapped name, as it is, as a local `repository:tag` of an ECR URI, or by a pull. */
import type Docker from 'dockerode';
import { OptmlError } from '../../errors.js';
import type { ImageFacts, ImageOptions, ImageWanted } from '../port.js';
import { ecrRepositoryTag, isReference, registryOf, withTag } from './image-reference.js';
import type { RegistryCredentials } from './registry-credentials.js';

export interface ImageSources {
  readonly docker: Docker;
  /** `--map-image`: the request's name → a local one. */
  readonly mapped: Readonly<Record<string, string>>;
  readonly credentials: (registry: string) => Promise<RegistryCredentials | undefined>;
}

type Inspected = Docker.ImageInspectInfo;

/** Throws IMAGE_UNAVAILABLE; other errors are the engine's. */
export async function findImage(
  sources: ImageSources,
  wanted: ImageWanted,
  options: ImageOptions,
): Promise<ImageFacts> {
  const { docker, mapped } = sources;
  const { reference } = wanted;
  // The reference is anything: `constructor` is no map.
  const other = Object.hasOwn(mapped, reference) ? mapped[reference] : undefined;
  if (other !== undefined) {
    const image = await inspect(docker, other);
    if (image === null)
      throw unavailable(
        `--map-image names ${other} for ${reference}, but the engine has no such image: build it, or correct the name.`,
      );
    return factsOf(image, wanted, `${other}, mapped from ${reference}`);
  }
  const exact = await inspect(docker, reference);
  if (exact !== null) return factsOf(exact, wanted, reference);
  const local = ecrRepositoryTag(reference);
  const tagged = local === undefined ? null : await inspect(docker, local);
  if (local !== undefined && tagged !== null)
    return factsOf(tagged, wanted, `the local image ${local} for ${reference}`);
  options.onPull();
  await pull(sources, wanted, options);
  const pulled = await inspect(docker, reference);
  if (pulled === null)
    throw unavailable(`The image ${reference} was pulled, but the engine does not have it.`);
  return factsOf(pulled, wanted, `${reference}, pulled`);
}

async function inspect(docker: Docker, reference: string): Promise<Inspected | null> {
  // The reference becomes a part of a path as it is: anything else could lead to another place of the engine's API.
  if (!isReference(reference)) return null;
  try {
    return await docker.getImage(reference).inspect();
  } catch (thrown) {
    const { statusCode } = thrown as { statusCode?: number };
    // 400: the engine cannot read the name; a pull says why.
    if (statusCode === 404 || statusCode === 400) return null;
    throw thrown;
  }
}

function factsOf(image: Inspected, wanted: ImageWanted, how: string): ImageFacts {
  const platform = `${image.Os}/${image.Architecture}`;
  if (platform !== wanted.platform)
    throw unavailable(
      `The image ${how} is built for ${platform}, but this instance type runs ${wanted.platform}: build it with ` +
        `"docker build --platform ${wanted.platform} …", or ask for an instance type of its kind.`,
    );
  return { id: image.Id, how, user: (image.Config as { User?: string } | null)?.User ?? '' };
}

async function pull(
  { docker, credentials }: ImageSources,
  wanted: ImageWanted,
  options: ImageOptions,
): Promise<void> {
  const reference = withTag(wanted.reference);
  try {
    const authconfig = await credentials(registryOf(reference));
    const stream = await docker.pull(reference, {
      platform: wanted.platform,
      abortSignal: options.signal,
      ...(authconfig === undefined ? {} : { authconfig }),
    });
    await follow(docker, stream, options);
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (thrown instanceof OptmlError) throw thrown;
    const { statusCode, json, message } = thrown as {
      statusCode?: number;
      json?: { message?: string };
      message: string;
    };
    // Without a status the engine itself is away.
    if (statusCode === undefined && json === undefined && !(thrown instanceof PullFailed)) throw thrown;
    throw unavailable(
      `The image ${wanted.reference} is not in the engine and cannot be pulled (${(json?.message ?? message).trim()}): build it under ` +
        `this name, name a local one with --map-image ${wanted.reference}=NAME, or log in to its registry.`,
    );
  }
}

class PullFailed extends Error {}

interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** Sums the layers' own progress into one. */
async function follow(docker: Docker, stream: NodeJS.ReadableStream, options: ImageOptions): Promise<void> {
  const layers = new Map<string, { done: number; total: number }>();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      (stream as NodeJS.ReadableStream & { destroy(): void }).destroy();
      reject(new PullFailed('stopped'));
    };
    options.signal.addEventListener('abort', onAbort, { once: true });
    const finish = (error: Error | null, lines: PullLine[]): void => {
      options.signal.removeEventListener('abort', onAbort);
      const failed = lines.find(line => line.error !== undefined);
      if (error !== null) reject(new PullFailed(error.message));
      else if (failed?.error !== undefined) reject(new PullFailed(failed.error));
      else resolve();
    };
    docker.modem.followProgress(stream, finish, (line: PullLine) => {
      const { current, total } = line.progressDetail ?? {};
      if (
        line.id !== undefined &&
        line.status === 'Downloading' &&
        current !== undefined &&
        total !== undefined
      )
        layers.set(line.id, { done: current, total });
      const sums = [...layers.values()].reduce(
        (sum, one) => ({ done: sum.done + one.done, total: sum.total + one.total }),
        {
          done: 0,
          total: 0,
        },
      );
      options.onProgress({ text: line.status ?? '', ...sums });
    });
  });
}

function unavailable(message: string): OptmlError {
  return new OptmlError('IMAGE_UNAVAILABLE', message);
}
