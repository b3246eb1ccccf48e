/** Holds a request against the member table: what will be different, and what is refused. */
import { OptmlError } from '../errors.js';
import type { Difference } from './differences.js';
import type { JobRequest } from './job-request.js';
import type { MemberRow } from './member-row.js';
import { MEMBER_TABLE } from './member-table.js';
import { isObject } from './validate.js';

/** A member that AWS takes and optml does not. */
export interface Refusal {
  /** Path in the request, as `InputDataConfig[0].InputMode`. */
  readonly member: string;
  readonly asked: unknown;
  readonly why: string;
  readonly instead: string;
}

/** Both in the order of the table, which is that of the request's kind. The request must have passed the walk over its shapes. */
export function examineMembers(
  request: JobRequest,
  table: readonly MemberRow[] = MEMBER_TABLE,
): {
  readonly differences: readonly Difference[];
  readonly refusals: readonly Refusal[];
} {
  const found = table.map(row => examineRow(row, request));
  return { differences: found.flatMap(one => one.differences), refusals: found.flatMap(one => one.refusals) };
}

/** Throws all refusals as one `REQUEST_REFUSED`. */
export function refuseMembers(refusals: readonly Refusal[]): void {
  if (refusals.length === 0) return;
  const head = refusals.length === 1 ? '' : `${refusals.length} members of this request are refused. `;
  throw new OptmlError('REQUEST_REFUSED', head + refusals.map(refusalSentence).join(' '));
}

function refusalSentence({ member, asked, why, instead }: Refusal): string {
  const value = typeof asked === 'object' ? '' : ` ${JSON.stringify(asked).slice(0, 80)}`;
  return `${member}${value} is refused: ${why}; ${instead}.`;
}

function examineRow(row: MemberRow, request: JobRequest): { differences: Difference[]; refusals: Refusal[] } {
  const steps = row.member.replace(/\.\*\*$/, '').split('.');
  const values = valuesAt({ path: '', value: request }, steps);
  const { difference, refused = [] } = row;
  return {
    differences: values.flatMap(({ path, value }) =>
      difference?.when.holds(value, request) === true
        ? [{ member: path, asked: value, here: difference.here, why: difference.why }]
        : [],
    ),
    refusals: values.flatMap(({ path, value }) =>
      refused
        .filter(rule => rule.when.holds(value, request))
        .map(rule => ({ member: path, asked: value, why: rule.why, instead: rule.instead })),
    ),
  };
}

interface Found {
  readonly path: string;
  readonly value: unknown;
}

/** The values that a path of the table names in a request: none, one, or one for each item of the lists on its way. */
function valuesAt(from: Found, steps: readonly string[]): readonly Found[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [from];
  const name = step.replace(/\[\]$/, '');
  if (!isObject(from.value) || !Object.hasOwn(from.value, name)) return [];
  const value = from.value[name];
  if (value === undefined || value === null) return [];
  const path = from.path === '' ? name : `${from.path}.${name}`;
  if (step === name) return valuesAt({ path, value }, rest);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.flatMap((item, index) => valuesAt({ path: `${path}[${index}]`, value: item }, rest));
}
