/** What AWS could not even read: a wrong JSON type, or a member that it does not have. In optml's words. */
import { nearestName } from './nearest-name.js';

/** The longest part of a user's value or name that a message repeats. */
const LONGEST_REPEATED = 60;

/** `HyperParameters.epochs is the number 5, but AWS takes a string there: put it in quotes, "5".` */
export function wrongType(found: {
  readonly place: string;
  readonly value: unknown;
  readonly wanted: 'a string' | 'a boolean' | 'a whole number' | 'a number' | 'a list' | 'an object';
}): string {
  const { place, value, wanted } = found;
  const subject = place === '' ? 'The request' : place;
  return `${subject} is ${described(value)}, but AWS takes ${wanted} there${wayOut(value, wanted)}.`;
}

/** `trainingJobName is not a member of CreateTrainingJob on AWS: did you mean TrainingJobName?` */
export function unknownMember(found: {
  readonly place: string;
  readonly member: string;
  /** The structure that it stands in, and that structure's own members. */
  readonly owner: string;
  readonly siblings: readonly string[];
  /** Every path of the request, as `ResourceConfig.InstanceType`. */
  readonly paths: readonly string[];
}): string {
  const { place, member, owner, siblings, paths } = found;
  const subject = pathInto(place, member);
  // A name that exists elsewhere, letter by letter, is misplaced rather than misspelt.
  const elsewhere = paths.find(path => path.split('.').at(-1) === member);
  if (elsewhere !== undefined)
    return `${subject} is not a member of ${owner} on AWS: it belongs at ${elsewhere}.`;
  const near = nearestName(member, siblings);
  const hint = near === undefined ? 'take it out, or look up the right name.' : `did you mean ${near}?`;
  return `${subject} is not a member of ${owner} on AWS: ${hint}`;
}

/** `ResourceConfig` and `InstanceType` → `ResourceConfig.InstanceType`; keys with odd letters stand in `["…"]`. */
export function pathInto(place: string, key: string): string {
  if (!/^[\w-]+$/.test(key) || key.length > LONGEST_REPEATED)
    return `${place}[${JSON.stringify(key.slice(0, LONGEST_REPEATED))}]`;
  return place === '' ? key : `${place}.${key}`;
}

function described(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the string ${JSON.stringify(value.slice(0, LONGEST_REPEATED))}`;
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  return 'an object';
}

/** `HyperParameters: {epochs: 5}` is the slip that everyone makes once: AWS's maps hold strings only. */
function wayOut(value: unknown, wanted: string): string {
  if (wanted === 'a string' && (typeof value === 'number' || typeof value === 'boolean'))
    return `: put it in quotes, "${value}"`;
  if (wanted === 'a string' && typeof value === 'object' && value !== null)
    return ': write it as JSON inside a string';
  const bare = wanted === 'a boolean' ? /^(?:true|false)$/ : /^-?\d{1,15}$/;
  const takesBare = wanted === 'a boolean' || wanted === 'a whole number' || wanted === 'a number';
  return takesBare && typeof value === 'string' && bare.test(value) ? `: write ${value} without quotes` : '';
}
