/**
 * AWS's own model of its requests as a typed table: which members a structure has, of which type, within which limits.
 * The data and its source are in `shapes/`.
 */
import { OptmlError } from '../errors.js';
import table from './shapes/sagemaker-shapes.json' with { type: 'json' };

export type Shape = StructureShape | ListShape | MapShape | StringShape | NumberShape | PlainShape;

export interface StructureShape {
  readonly type: 'structure';
  readonly members: Readonly<Record<string, ShapeReference>>;
  readonly required?: readonly string[];
}

export interface ListShape extends Limits {
  readonly type: 'list';
  readonly member: ShapeReference;
}

export interface MapShape extends Limits {
  readonly type: 'map';
  readonly key: ShapeReference;
  readonly value: ShapeReference;
}

export interface StringShape extends Limits {
  readonly type: 'string';
  /** A Java regular expression that the whole value must match. */
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

export interface NumberShape extends Limits {
  readonly type: 'integer' | 'long' | 'float';
}

export interface PlainShape {
  readonly type: 'boolean' | 'timestamp';
}

interface ShapeReference {
  readonly shape: string;
}

/** Of the length for strings, the number of entries for lists and maps, the value for numbers; both inclusive. */
interface Limits {
  readonly min?: number;
  readonly max?: number;
}

// The compiler's own reading of the file has a type for each of its 499 shapes; this is the one that they share.
const SHAPES = table.shapes as unknown as Readonly<Record<string, Shape>>;

/** The shape of that name. A name that is not in the table is a fault of the caller: `INTERNAL`. */
export function shapeNamed(name: string): Shape {
  const shape = Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined;
  if (shape === undefined) throw new OptmlError('INTERNAL', `The shape table has no shape named ${name}.`);
  return shape;
}

/** As `shapeNamed`, for a name that must be a structure, as `CreateTrainingJobRequest`. */
export function structureNamed(name: string): StructureShape {
  const shape = shapeNamed(name);
  if (shape.type !== 'structure') throw new OptmlError('INTERNAL', `The shape ${name} is a ${shape.type}.`);
  return shape;
}

/** The shape name of a structure's member; undefined where it has no member of that name. */
export function memberShape(structure: StructureShape, member: string): string | undefined {
  return Object.hasOwn(structure.members, member) ? structure.members[member]?.shape : undefined;
}

/**
 * Every nested member of a structure, in the model's order, as `InputDataConfig[].DataSource`: `[]` stands for any item
 * of a list, `{}` for any entry of a map. A structure inside itself is not entered again.
 */
export function memberPaths(shapeName: string): readonly string[] {
  return pathsBelow({ shapeName, path: '', inside: [] });
}

/** All shape names of the table. */
export function shapeNames(): readonly string[] {
  return Object.keys(SHAPES);
}

function pathsBelow(at: { shapeName: string; path: string; inside: readonly string[] }): readonly string[] {
  if (at.inside.includes(at.shapeName)) return [];
  const shape = shapeNamed(at.shapeName);
  const inside = [...at.inside, at.shapeName];
  switch (shape.type) {
    case 'structure':
      return Object.entries(shape.members).flatMap(([name, member]) => {
        const path = at.path === '' ? name : `${at.path}.${name}`;
        return [path, ...pathsBelow({ shapeName: member.shape, path, inside })];
      });
    case 'list':
      return pathsBelow({ shapeName: shape.member.shape, path: `${at.path}[]`, inside });
    case 'map':
      return pathsBelow({ shapeName: shape.value.shape, path: `${at.path}{}`, inside });
    default:
      return [];
  }
}
