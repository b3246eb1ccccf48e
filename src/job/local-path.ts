/** The folders of the container that a request names: how they are written, and where they may be. Pure. */
import type { CheckedRequest } from './checked-request.js';

/** AWS's own, where the request names none (contract §1.3, §1.9, §1.17). */
export const DEFAULT_LOCAL_PATHS = {
  CheckpointConfig: '/opt/ml/checkpoints/',
  DebugHookConfig: '/opt/ml/output/tensors',
  TensorBoardOutputConfig: '/opt/ml/output/tensorboard/',
} as const;

const MEMBERS = ['CheckpointConfig', 'DebugHookConfig', 'TensorBoardOutputConfig'] as const;

/** Neither these, nor what is below or above them. */
const TAKEN = [
  ...['/opt/ml/code', '/opt/ml/errors', '/opt/ml/input', '/opt/ml/model', '/opt/ml/output/data'],
  ...['/opt/ml/output/failure', '/opt/ml/output/metrics', '/opt/ml/output/profiler'],
  ...['/bin', '/dev', '/etc', '/lib', '/lib32', '/lib64', '/libx32', '/proc', '/sbin', '/sys', '/usr'],
];

/** Folders of an image with content that a mount would hide; below them there is room. */
const SHARED = ['/boot', '/home', '/root', '/run', '/tmp', '/var'];

interface LocalPath {
  readonly member: (typeof MEMBERS)[number];
  readonly given: boolean;
  /** As the request, or AWS's default, says it. */
  readonly text: string;
}

/** One way to write a path: no slash doubled or at its end, no part that is `.`; `/` for the root. */
export function plainPath(path: string): string {
  return `/${path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/')}`;
}

/**
 * "LocalPath … must not be a path that the platform uses otherwise" (contract §1.9, of checkpoints). A relative one, or one
 * with `..` in it, has no place to be.
 */
export function localPathRules(request: CheckedRequest): readonly string[] {
  const paths = MEMBERS.flatMap((member): LocalPath[] => {
    const folder = request[member];
    if (folder === undefined) return [];
    const given = folder.LocalPath !== undefined && folder.LocalPath !== '';
    return [{ member, given, text: given ? (folder.LocalPath ?? '') : DEFAULT_LOCAL_PATHS[member] }];
  });
  const misplaced = paths.flatMap(path => {
    const expected = misfit(path.text);
    return expected === null ? [] : [complaint(path, expected)];
  });
  return misplaced.length > 0 ? misplaced : overlaps(paths);
}

/** What is expected instead; null when the path may be there. */
function misfit(text: string): string | null {
  if (!text.startsWith('/') || text.split('/').includes('..') || text.includes('\0'))
    return 'be an absolute path without ..';
  const path = plainPath(text);
  if (SHARED.includes(path) || TAKEN.some(one => overlap(one, path)))
    return 'be a folder that neither the platform nor the system uses, such as /opt/ml/output/tensorboard or /tb';
  return null;
}

/** The complaint is about what the user wrote, not about a default. */
function overlaps(paths: readonly LocalPath[]): string[] {
  return paths.flatMap((later, index) =>
    paths
      .slice(0, index)
      .filter(earlier => overlap(plainPath(earlier.text), plainPath(later.text)))
      .map(earlier => {
        const [path, other] = later.given ? [later, earlier] : [earlier, later];
        return complaint(path, `lie apart from that of ${other.member}, '${other.text}'`);
      }),
  );
}

function complaint({ member, text }: LocalPath, expected: string): string {
  return `Invalid ${member}. LocalPath must ${expected}, but it is '${text}'.`;
}

/** Of plain paths: the same, or one in the other. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [one, other].map(path => (path === '/' ? path : `${path}/`)) as [string, string];
  return a.startsWith(b) || b.startsWith(a);
}
