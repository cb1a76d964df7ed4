/** JSON Schemas as plain values: what their keywords say, one by one. The comparison is in schema-change.ts. */

export type JsonSchema = boolean | { readonly [keyword: string]: unknown };
export type Keywords = Readonly<Record<string, unknown>>;

/** JSON with sorted fields, so that equal schemas have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner)
      ? Object.fromEntries(
          Object.entries(inner)
            .filter(([keyword]) => keyword !== '$schema' && keyword !== '~standard')
            .toSorted(([a], [b]) => (a < b ? -1 : 1)),
        )
      : inner,
  );
}

/** Keywords that say nothing about which values are admitted. */
const annotations = new Set([
  ...['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$schema', '$id', 'id', '$comment', '$defs', 'definitions'],
]);

/** Lower bounds may fall, upper ones may rise. */
const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const upperBounds = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];

/** Keywords that have a rule of their own; all others must be equal on both sides, or be gone from the new one. */
const structure = new Set([
  ...['$ref', 'type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'not', 'multipleOf'],
  ...['properties', 'required', 'additionalProperties', 'propertyNames', 'items', 'prefixItems'],
  ...lowerBounds,
  ...upperBounds,
]);

const NEVER: Keywords = { not: {} };
const ANY: Keywords = {};

/** A schema as keywords, references followed. The same schema gives the same object, unless it is true or false. */
export function keywordsOf(schema: JsonSchema, root: JsonSchema): Keywords {
  let current: unknown = schema;
  for (let hops = 0; hops < 100; hops += 1) {
    if (current === true || current === undefined) return ANY;
    if (!isObject(current)) return NEVER;
    const { $ref } = current;
    if (typeof $ref !== 'string') return current;
    current = pointedAt($ref, root);
  }
  return NEVER;
}

function pointedAt(reference: string, root: JsonSchema): unknown {
  let at: unknown = root;
  for (const step of reference.replace(/^#\/?/, '').split('/'))
    if (step !== '')
      at = isObject(at) ? at[step.replaceAll('~1', '/').replaceAll('~0', '~')] : false;
  return at ?? false;
}

export function isAny(schema: Keywords): boolean {
  return Object.keys(schema).every((keyword) => annotations.has(keyword));
}

export function isNever(schema: Keywords): boolean {
  const { not } = schema;
  return not === true || (isObject(not) && isAny(not));
}

/** The schemas of which one must hold, where a schema is such a choice. What stands beside them is left out. */
export function branchesOf(schema: Keywords): readonly JsonSchema[] | undefined {
  const { type } = schema;
  if (Array.isArray(schema['enum']))
    return schema['enum'].map((value: unknown) => ({ const: value }));
  for (const keyword of ['anyOf', 'oneOf'])
    if (Array.isArray(schema[keyword])) return schema[keyword] as JsonSchema[];
  return Array.isArray(type) ? type.map((one: unknown) => ({ ...schema, type: one })) : undefined;
}

/** The schemas that must all hold, where a schema is made of several. */
export function partsOf(schema: Keywords): readonly JsonSchema[] | undefined {
  const { allOf } = schema;
  if (Array.isArray(allOf)) return [...(allOf as JsonSchema[]), without(schema, 'allOf')];
  for (const keyword of ['anyOf', 'oneOf']) {
    if (!Array.isArray(schema[keyword])) continue;
    const rest = without(schema, keyword);
    if (!isAny(rest)) return [{ [keyword]: schema[keyword] }, rest];
  }
  return undefined;
}

export function without(schema: Keywords, keyword: string): Keywords {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== keyword));
}

export interface Fields {
  readonly fields: Readonly<Record<string, JsonSchema>>;
  readonly required: ReadonlySet<string>;
  /** Of fields that are not named. */
  readonly others: JsonSchema;
  readonly names: JsonSchema | undefined;
}

export function fieldsOf(schema: Keywords): Fields {
  const { properties, required, additionalProperties, propertyNames } = schema;
  return {
    fields: isObject(properties) ? (properties as Record<string, JsonSchema>) : {},
    required: new Set(Array.isArray(required) ? (required as string[]) : []),
    others: (additionalProperties as JsonSchema | undefined) ?? true,
    names: propertyNames as JsonSchema | undefined,
  };
}

export interface List {
  readonly first: readonly JsonSchema[];
  readonly rest: JsonSchema;
}

export function listOf({ prefixItems, items }: Keywords): List {
  return {
    first: Array.isArray(prefixItems) ? (prefixItems as JsonSchema[]) : [],
    rest: (items as JsonSchema | undefined) ?? true,
  };
}

export function boundsAreWider(was: Keywords, is: Keywords): boolean {
  const isWithin = (keyword: string, fits: (before: number, now: number) => boolean): boolean => {
    const [before, now] = [was[keyword], is[keyword]];
    return now === undefined || (typeof before === 'number' && fits(before, now as number));
  };
  return (
    lowerBounds.every((keyword) => isWithin(keyword, (before, now) => now <= before)) &&
    upperBounds.every((keyword) => isWithin(keyword, (before, now) => now >= before)) &&
    isWithin('multipleOf', (before, now) => before % now === 0)
  );
}

/** Of keywords without a rule, such as `pattern` and `format`, the new schema may have only what the old one has. */
export function restIsEqual(was: Keywords, is: Keywords): boolean {
  return Object.entries(is).every(
    ([keyword, value]) =>
      structure.has(keyword) ||
      annotations.has(keyword) ||
      canonicalJson(was[keyword]) === canonicalJson(value),
  );
}

/** Whether a schema admits one value; no, where that cannot be told. */
export function admits(given: JsonSchema, value: unknown, root: JsonSchema): boolean {
  const schema = keywordsOf(given, root);
  if (isAny(schema)) return true;
  if (isNever(schema)) return false;
  const parts = partsOf(schema);
  if (parts !== undefined) return parts.every((part) => admits(part, value, root));
  if ('const' in schema) return canonicalJson(schema['const']) === canonicalJson(value);
  const branches = branchesOf(schema);
  if (branches !== undefined) return branches.some((branch) => admits(branch, value, root));
  return (
    typesOf(value).includes(schema['type']) &&
    (typeof value !== 'object' || value === null) &&
    boundsAreWider(boundsOf(value), schema) &&
    restIsEqual({}, schema)
  );
}

function typesOf(value: unknown): unknown[] {
  if (value === null) return ['null'];
  if (typeof value === 'number')
    return Number.isInteger(value) ? ['integer', 'number'] : ['number'];
  return [typeof value];
}

/** A value as the tightest bounds that it keeps; exclusive ones are as good as not kept. */
function boundsOf(value: unknown): Keywords {
  if (typeof value === 'number') return { minimum: value, maximum: value, multipleOf: value };
  const { length } = String(value);
  return typeof value === 'string' ? { minLength: length, maxLength: length } : {};
}

/** A schema in a few words, for an error. */
export function describe(given: JsonSchema): string {
  if (typeof given === 'boolean') return given ? 'anything' : 'nothing';
  if (isAny(given)) return 'anything';
  if (isNever(given)) return 'nothing';
  if ('const' in given) return JSON.stringify(given['const']);
  if (typeof given['$ref'] === 'string') return given['$ref'].split('/').at(-1) ?? 'a reference';
  const branches = branchesOf(given);
  if (branches !== undefined) return branches.slice(0, 8).map(describe).join(' | ');
  const type = given['x-tidemark-type'] ?? given['type'] ?? 'value';
  const limits = Object.entries(given)
    .filter(([keyword]) => !annotations.has(keyword) && !silent.has(keyword))
    // What every whole number keeps goes without saying.
    .filter(([, value]) => Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER)
    .map(([keyword, value]) => `${keyword} ${JSON.stringify(value)}`);
  const text = [typeof type === 'string' ? type : 'value', ...limits].join(', ');
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

const silent = new Set([
  ...['type', 'x-tidemark-type', 'properties', 'required', 'additionalProperties'],
  ...['items', 'prefixItems', 'propertyNames'],
]);

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
