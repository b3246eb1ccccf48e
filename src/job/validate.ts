/** One walk over a request beside AWS's model of it: every limit that it breaks, and what AWS could not read. */
import {
  allConstraints,
  awsMemberName,
  brokenByLength,
  brokenByNumber,
  brokenByString,
  MUST_NOT_BE_NULL,
  violation,
} from './aws-words.js';
import { complaint, joined, MOST_COMPLAINTS, NOTHING_FOUND, type Findings } from './findings.js';
import { pathInto, unknownMember, wrongType } from './misfit.js';
import {
  memberPaths,
  memberShape,
  shapeNamed,
  structureNamed,
  type ListShape,
  type MapShape,
  type NumberShape,
  type StringShape,
  type StructureShape,
} from './shape-table.js';

/** One value of the request on the walk. */
interface Visit {
  readonly value: unknown;
  /** Where it is, as AWS writes it: `inputDataConfig.1.member.channelName`. */
  readonly aws: string;
  /** Where it is, as optml writes it: `InputDataConfig[0].ChannelName`. */
  readonly own: string;
  /** The shape of the whole request. */
  readonly root: string;
}

/** Java's int and long: a number beyond them never reaches AWS's checks. */
const BEYOND = { integer: 2 ** 31, long: 2 ** 63, float: Infinity };

/**
 * Holds a request against its shape, as `CreateTrainingJobRequest`. A member that is `null` is absent. `alsoRequired` are
 * top-level members that the service asks for although its model does not (contract §4.4).
 *
 * A member that AWS does not have is found too. AWS itself may pass over it in silence; then the request does not do
 * what it says, which is what optml promises never to happen.
 */
export function findViolations(asked: {
  readonly shape: string;
  readonly request: unknown;
  readonly alsoRequired?: readonly string[];
}): Findings {
  const shape = structureNamed(asked.shape);
  const required = [...(shape.required ?? []), ...(asked.alsoRequired ?? [])];
  const visit = { value: asked.request, aws: '', own: '', root: asked.shape };
  return structureFindings(visit, { name: asked.shape, shape: { ...shape, required } });
}

/** A JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueFindings(visit: Visit, name: string): Findings {
  const shape = shapeNamed(name);
  switch (shape.type) {
    case 'structure':
      return structureFindings(visit, { name, shape });
    case 'list':
      return listFindings(visit, shape);
    case 'map':
      return mapFindings(visit, shape);
    case 'string':
      if (typeof visit.value !== 'string') return misfit(visit, 'a string');
      return broken(visit, brokenByString({ name, shape, value: visit.value }));
    case 'integer':
    case 'long':
    case 'float':
      return numberFindings(visit, shape);
    case 'boolean':
      return typeof visit.value === 'boolean' ? NOTHING_FOUND : misfit(visit, 'a boolean');
    case 'timestamp':
      return typeof visit.value === 'number' ? NOTHING_FOUND : misfit(visit, 'a number');
    default:
      return shape satisfies never;
  }
}

function structureFindings(visit: Visit, of: { name: string; shape: StructureShape }): Findings {
  const { value, own, aws, root } = visit;
  if (!isObject(value)) return misfit(visit, 'an object');
  const known = Object.entries(of.shape.members).map(([member, { shape }]) => {
    const awsName = awsMemberName(member);
    const inner = { ...visit, aws: aws === '' ? awsName : `${aws}.${awsName}`, own: pathInto(own, member) };
    const given = Object.hasOwn(value, member) ? value[member] : null;
    if (given !== null && given !== undefined) return valueFindings({ ...inner, value: given }, shape);
    const missing = of.shape.required?.includes(member) === true;
    return missing ? broken({ ...inner, value: null }, [MUST_NOT_BE_NULL]) : NOTHING_FOUND;
  });
  return joined([...known, { violations: [], complaints: unknownMembers(value, { ...of, own, root }) }]);
}

function unknownMembers(
  value: Readonly<Record<string, unknown>>,
  of: { name: string; shape: StructureShape; own: string; root: string },
): readonly string[] {
  const unknown = Object.keys(value).filter(member => memberShape(of.shape, member) === undefined);
  if (unknown.length === 0) return [];
  const owner = of.name === of.root ? of.root.replace(/Request$/, '') : of.name;
  const siblings = Object.keys(of.shape.members);
  const paths = memberPaths(of.root);
  // Names are compared for a hint only as often as a message can hold one.
  return unknown.map((member, index) =>
    index < MOST_COMPLAINTS ? unknownMember({ place: of.own, member, owner, siblings, paths }) : member,
  );
}

function listFindings(visit: Visit, shape: ListShape): Findings {
  const { value } = visit;
  if (!Array.isArray(value)) return misfit(visit, 'a list');
  // Items beyond the longest list are not looked at: that there are too many is all that matters.
  const items: readonly unknown[] = Array.from(value.slice(0, shape.max));
  const itemName = shape.member.shape;
  const itemShape = shapeNamed(itemName);
  const inner = (index: number): Visit => ({
    ...visit,
    value: items[index],
    aws: `${visit.aws}.${index + 1}.member`,
    own: `${visit.own}[${index}]`,
  });
  const length = broken(visit, brokenByLength(shape, value.length));
  if (itemShape.type !== 'string')
    return joined([length, ...items.map((_, index) => valueFindings(inner(index), itemName))]);
  return joined([
    length,
    textsFindings(visit, { name: itemName, shape: itemShape, texts: items, who: 'Member' }),
    ...items.map((item, index) =>
      typeof item === 'string' ? NOTHING_FOUND : misfit(inner(index), 'a string'),
    ),
  ]);
}

function mapFindings(visit: Visit, shape: MapShape): Findings {
  const { value } = visit;
  if (!isObject(value)) return misfit(visit, 'an object');
  const all = Object.entries(value);
  const entries = all.slice(0, shape.max);
  const [keyName, valueName] = [shape.key.shape, shape.value.shape];
  const [keyShape, valueShape] = [shapeNamed(keyName), shapeNamed(valueName)];
  const inner = (key: string, item: unknown): Visit => ({
    ...visit,
    value: item,
    aws: `${visit.aws}.${key}.member`,
    own: pathInto(visit.own, key),
  });
  const head = [
    broken(visit, brokenByLength(shape, all.length)),
    ...(keyShape.type === 'string'
      ? [
          textsFindings(visit, {
            name: keyName,
            shape: keyShape,
            texts: entries.map(([key]) => key),
            who: 'Map keys',
          }),
        ]
      : []),
  ];
  if (valueShape.type !== 'string')
    return joined([...head, ...entries.map(([key, item]) => valueFindings(inner(key, item), valueName))]);
  const texts = entries.map(([, item]) => item);
  return joined([
    ...head,
    textsFindings(visit, { name: valueName, shape: valueShape, texts, who: 'Map value' }),
    ...entries.map(([key, item]) =>
      typeof item === 'string' ? NOTHING_FOUND : misfit(inner(key, item), 'a string'),
    ),
  ]);
}

/** AWS speaks of the strings of a list or map once, at the list or map, and then names all their limits. */
function textsFindings(
  visit: Visit,
  of: {
    name: string;
    shape: StringShape;
    texts: readonly unknown[];
    who: 'Member' | 'Map keys' | 'Map value';
  },
): Findings {
  const { name, shape, texts, who } = of;
  const bad = texts.some(
    text => typeof text === 'string' && brokenByString({ name, shape, value: text }).length > 0,
  );
  return bad
    ? broken(visit, [`${who} must satisfy constraint: ${allConstraints(name, shape)}`])
    : NOTHING_FOUND;
}

function numberFindings(visit: Visit, shape: NumberShape): Findings {
  const { value } = visit;
  if (typeof value !== 'number') return misfit(visit, shape.type === 'float' ? 'a number' : 'a whole number');
  if (shape.type !== 'float' && !Number.isInteger(value)) return misfit(visit, 'a whole number');
  if (Math.abs(value) >= BEYOND[shape.type])
    return complaint(`${visit.own} is ${value}, which is too large for AWS's type ${shape.type}.`);
  return broken(visit, brokenByNumber(shape, value));
}

function broken(visit: Visit, constraints: readonly string[]): Findings {
  const violations = constraints.map(constraint =>
    violation({ path: visit.aws, value: visit.value, constraint }),
  );
  return { violations, complaints: [] };
}

function misfit(visit: Visit, wanted: Parameters<typeof wrongType>[0]['wanted']): Findings {
  return complaint(wrongType({ place: visit.own, value: visit.value, wanted }));
}
