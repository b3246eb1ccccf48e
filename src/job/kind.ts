/** Which kind of job a request asks for: told from its members, as AWS's request bodies do not say. */
import { OptmlError } from '../errors.js';
import { JOB_KINDS, type JobKind } from './job-request.js';

type Kind = JobKind | 'transform';

interface Signature {
  readonly kind: Kind;
  readonly operation: string;
  /** The member that names the job. */
  readonly name: string;
  /** Members of no other kind's request: they tell the kind when the name is missing or misspelt. */
  readonly own: readonly string[];
}

const SIGNATURES: readonly Signature[] = [
  {
    kind: 'training',
    operation: 'CreateTrainingJob',
    name: 'TrainingJobName',
    own: [
      'AlgorithmSpecification',
      'HyperParameters',
      'InputDataConfig',
      'ResourceConfig',
      'CheckpointConfig',
    ],
  },
  {
    kind: 'processing',
    operation: 'CreateProcessingJob',
    name: 'ProcessingJobName',
    own: ['AppSpecification', 'ProcessingInputs', 'ProcessingOutputConfig', 'ProcessingResources'],
  },
  {
    kind: 'transform',
    operation: 'CreateTransformJob',
    name: 'TransformJobName',
    own: ['TransformInput', 'TransformOutput', 'TransformResources', 'BatchStrategy'],
  },
];

/**
 * The kind of a request. `source` is the file's name, for messages.
 *
 * Errors: `REQUEST_UNREADABLE` when no kind can be told; `REQUEST_REFUSED` for kinds that optml does not run.
 */
export function kindOfRequest(request: Readonly<Record<string, unknown>>, source: string): JobKind {
  const signature =
    SIGNATURES.find(({ name }) => Object.hasOwn(request, name)) ??
    SIGNATURES.find(({ own }) => own.some(member => Object.hasOwn(request, member)));
  if (signature === undefined)
    throw new OptmlError(
      'REQUEST_UNREADABLE',
      `${source === '-' ? 'Standard input' : source}: the kind of job cannot be told: ${membersOf(request)}, ` +
        'but a request with TrainingJobName, ProcessingJobName or TransformJobName was expected.',
    );
  const kind = JOB_KINDS.find(one => one === signature.kind);
  if (kind !== undefined) return kind;
  throw new OptmlError(
    'REQUEST_REFUSED',
    `${source === '-' ? 'Standard input' : source}: this is a request of ${signature.operation} (${signature.name}), ` +
      `and optml does not run ${signature.kind} jobs: give it a request of CreateTrainingJob or CreateProcessingJob.`,
  );
}

function membersOf(request: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(request);
  if (names.length === 0) return 'it has no members';
  const shown = names.slice(0, 5).map(name => name.slice(0, 40));
  return `its members are ${shown.join(', ')}${names.length > shown.length ? ' …' : ''}`;
}
