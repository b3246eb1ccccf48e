/**
 * The words of AWS's validation errors (contract §4.3):
 * `1 validation error detected: Value 'x' at 'trainingJobName' failed to satisfy constraint: Member must …`.
 */
import type { ListShape, MapShape, NumberShape, StringShape } from './shape-table.js';
import { isInstanceType } from './instance-type.js';
import { matchesJavaPattern } from './java-pattern.js';

/** AWS repeats the whole value, however long; here it ends after so many characters. */
const LONGEST_VALUE = 1024;

/** AWS lists all 151 instance types; here the list ends after so many. */
const MOST_ENUM_VALUES = 20;

/** Patterns that AWS's answers show in another form than its published model (contract §4.3). */
const SPOKEN_PATTERNS: ReadonlyMap<string, string> = new Map([
  ['TrainingJobName', '^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}'],
]);

/** `N validation errors detected: …; …`. */
export function validationText(violations: readonly string[]): string {
  const errors = violations.length === 1 ? 'error' : 'errors';
  return `${violations.length} validation ${errors} detected: ${violations.join('; ')}`;
}

/** One violation; `path` as AWS writes it: `inputDataConfig.1.member.channelName`. */
export function violation(at: {
  readonly path: string;
  readonly value: unknown;
  readonly constraint: string;
}): string {
  const value = at.value === null || at.value === undefined ? 'null' : `'${cut(awsValue(at.value, 0))}'`;
  return `Value ${value} at '${at.path}' failed to satisfy constraint: ${at.constraint}`;
}

/** A member's name as AWS writes it in these errors: the first letter small. */
export function awsMemberName(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

export const MUST_NOT_BE_NULL = 'Member must not be null';

/** The constraints that a string breaks, in AWS's order: enum, longest, shortest, pattern. */
export function brokenByString(named: {
  readonly name: string;
  readonly shape: StringShape;
  readonly value: string;
}): string[] {
  const { name, shape, value } = named;
  if (shape.enum !== undefined) return enumHolds(shape.enum, value) ? [] : [enumConstraint(shape.enum)];
  const broken = brokenByLength(shape, value.length);
  if (shape.pattern !== undefined && !matchesJavaPattern(shape.pattern, value))
    broken.push(patternConstraint(name, shape.pattern));
  return broken;
}

/** All constraints of a string, broken or not: AWS lists them all when one entry of a list or map breaks one of them. */
export function allConstraints(name: string, shape: StringShape): string {
  const constraints = [
    ...(shape.max === undefined ? [] : [longest(shape.max)]),
    ...(shape.min === undefined ? [] : [shortest(shape.min)]),
    ...(shape.pattern === undefined ? [] : [patternConstraint(name, shape.pattern)]),
    ...(shape.enum === undefined ? [] : [enumConstraint(shape.enum)]),
  ];
  return `[${constraints.join(', ')}]`;
}

/** The limits that a length breaks: of a string, a list or a map. */
export function brokenByLength(shape: ListShape | MapShape | StringShape, length: number): string[] {
  return [
    ...(shape.max !== undefined && length > shape.max ? [longest(shape.max)] : []),
    ...(shape.min !== undefined && length < shape.min ? [shortest(shape.min)] : []),
  ];
}

/** The limits that a number breaks. */
export function brokenByNumber(shape: NumberShape, value: number): string[] {
  return [
    ...(shape.max !== undefined && value > shape.max
      ? [`Member must be less than or equal to ${shape.max}`]
      : []),
    ...(shape.min !== undefined && value < shape.min
      ? [`Member must be greater than or equal to ${shape.min}`]
      : []),
  ];
}

function longest(max: number): string {
  return `Member must have length less than or equal to ${max}`;
}

function shortest(min: number): string {
  return `Member must have length greater than or equal to ${min}`;
}

function patternConstraint(name: string, pattern: string): string {
  return `Member must satisfy regular expression pattern: ${SPOKEN_PATTERNS.get(name) ?? pattern}`;
}

function enumHolds(values: readonly string[], value: string): boolean {
  return values.includes(value) || (isInstanceTypes(values) && isInstanceType(value));
}

function enumConstraint(values: readonly string[]): string {
  const shown = values.length > MOST_ENUM_VALUES ? [...values.slice(0, MOST_ENUM_VALUES), '…'] : values;
  return `Member must satisfy enum value set: [${shown.join(', ')}]`;
}

function isInstanceTypes(values: readonly string[]): boolean {
  return values[0]?.startsWith('ml.') ?? false;
}

/** A value as Java prints it: `[a, b]`, `{key=value}`. */
function awsValue(value: unknown, depth: number): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth > 5) return '…';
  // Every entry prints at least one character, so what lies behind so many entries would be cut off anyway.
  if (Array.isArray(value))
    return `[${value
      .slice(0, LONGEST_VALUE)
      .map(item => awsValue(item, depth + 1))
      .join(', ')}]`;
  return `{${Object.entries(value)
    .slice(0, LONGEST_VALUE)
    .map(([key, item]) => `${key}=${awsValue(item, depth + 1)}`)
    .join(', ')}}`;
}

function cut(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
