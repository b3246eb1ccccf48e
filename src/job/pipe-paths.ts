/** Where the FIFOs of a processing input in Pipe mode would be in the way of other LocalPaths. Pure. */
import type { JobRequest } from './job-request.js';
import { plainPath } from './local-path.js';
import type { When } from './member-row.js';
import { asProcessingRequest } from './processing-request.js';

export const PIPE_IN_THE_WAY: When = {
  words: '`Pipe`, and its FIFOs would lie in an output or at another LocalPath',
  holds: (mode, request) => mode === 'Pipe' && isInTheWay(request),
};

/** Whether any input of the request is so: the condition of a row sees a value, and not to which input it belongs. */
function isInTheWay(request: JobRequest): boolean {
  const { ProcessingInputs: inputs = [], ProcessingOutputConfig: config } = asProcessingRequest(request);
  const managed = inputs.filter(({ AppManaged }) => AppManaged !== true);
  const paths = managed.flatMap(({ S3Input }) => pathOf(S3Input?.LocalPath));
  const outputs = (config?.Outputs ?? [])
    .filter(({ AppManaged }) => AppManaged !== true)
    .flatMap(({ S3Output }) => pathOf(S3Output?.LocalPath));
  return managed
    .filter(({ S3Input }) => S3Input?.S3InputMode === 'Pipe')
    .flatMap(({ S3Input }) => pathOf(S3Input?.LocalPath))
    .some(
      path =>
        outputs.some(output => path.startsWith(`${output}/`)) ||
        [...paths, ...outputs].some(
          other => other.startsWith(`${path}_`) && /^_\d+(\/|$)/.test(other.slice(path.length)),
        ),
    );
}

function pathOf(path: string | undefined): string[] {
  return path === undefined || path === '' ? [] : [plainPath(path)];
}
