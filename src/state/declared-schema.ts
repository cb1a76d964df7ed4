/**
 * The schema of a state: what a declaration says of its values, for the checks at a restore. In work values are taken as
 * they are; a schema costs nothing per element.
 */
import { z } from 'zod';
import { TidemarkError, show } from '../core/errors.js';
import type { DeclaredSchema } from '../core/operator.js';
import type { StandardSchema } from '../core/standard-schema.js';

export interface SchemaOptions<T = unknown> {
  /**
   * What a value looks like (of a list each element, of a map each value, of an aggregating state the accumulator): zod,
   * or any Standard Schema that checks synchronously. Its JSON Schema is kept with the state, and compared at a restart.
   */
  readonly schema?: StandardSchema<T>;
  /**
   * Makes a value of an older schema one of the present. `version` numbers the schemas that this state has had, from 0:
   * a key that has not changed since may still be of any of them.
   */
  readonly migrate?: (old: never, version: number) => T;
}

/**
 * Reads the part of the options that is about the schema.
 *
 * @param where the declaration, such as `valueState`
 * @throws TidemarkError OPTIONS_INVALID
 */
export function schemaOf(
  options: SchemaOptions | undefined,
  where: string,
): DeclaredSchema | undefined {
  const { schema, migrate } = options ?? {};
  if (migrate !== undefined && typeof migrate !== 'function')
    throw invalid('a function', `migrate: ${show(migrate)}`, where);
  if (schema === undefined) {
    if (migrate === undefined) return undefined;
    throw invalid('schema, where there is migrate', 'none', where);
  }
  const standard = (schema as Partial<StandardSchema<unknown>> | null)?.['~standard'];
  if (typeof standard?.validate !== 'function')
    throw invalid('a Standard Schema, such as one of zod', `schema: ${show(schema)}`, where);
  return {
    json: () => jsonOf(schema),
    migrate: migrate as DeclaredSchema['migrate'],
    parse(value) {
      const result = standard.validate(value);
      if (result instanceof Promise)
        throw refused('a schema that checks synchronously', 'a promise', where);
      if (result.issues === undefined) return result.value;
      const issues = result.issues.map(
        ({ message, path = [] }) => `${['$', ...path.map(segment)].join('.')}: ${message}`,
      );
      throw refused('values that the schema takes', issues.join('; '), where);
    },
  };
}

/** Kinds of zod that JSON has no word for; the comparison must not take one for another. */
const kindsBeyondJson = new Set(
  [
    'date',
    'bigint',
    'map',
    'set',
    'undefined',
    'nan',
    'void',
    'symbol',
    'transform',
    'custom',
  ].concat(['function', 'promise', 'file', 'success']),
);

function jsonOf(schema: StandardSchema<unknown>): ReturnType<DeclaredSchema['json']> {
  if (isZod(schema)) return { kept: ofZod(schema, 'output'), taken: ofZod(schema, 'input') };
  const { jsonSchema } = schema['~standard'] as {
    readonly jsonSchema?: Record<'input' | 'output', (options: { target: string }) => unknown>;
  };
  if (jsonSchema === undefined) return undefined;
  const options = { target: 'draft-2020-12' };
  try {
    return { kept: jsonSchema.output(options), taken: jsonSchema.input(options) };
  } catch {
    // It says by throwing that it has none.
    return undefined;
  }
}

function isZod(schema: object): schema is z.core.$ZodType & StandardSchema<unknown> {
  return '_zod' in schema;
}

/** @param within schemas around this one, so that a recursion through a Map or a Set ends */
function ofZod(
  schema: z.core.$ZodType,
  io: 'input' | 'output',
  within: ReadonlySet<object> = new Set(),
): unknown {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod;
      if (!kindsBeyondJson.has(def.type)) return;
      // A transform takes what stands before it.
      if (def.type === 'transform' && Object.keys(jsonSchema).length > 0) return;
      jsonSchema['x-tidemark-type'] = def.type;
      const inner =
        def.type === 'map'
          ? [def.keyType, def.valueType]
          : def.type === 'set'
            ? [def.valueType]
            : [];
      const around = new Set([...within, zodSchema]);
      if (inner.length > 0 && !within.has(zodSchema))
        jsonSchema['x-tidemark-of'] = inner.map((part) => ofZod(part, io, around));
    },
  });
}

function segment(part: unknown): string {
  return typeof part === 'object' && part !== null && 'key' in part
    ? String(part.key)
    : String(part);
}

function invalid(expected: string, got: string, where: string): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected,
    got,
    where: `options of ${where}`,
    hint: 'Write it as { schema: z.object({ … }), migrate: (old) => … }.',
  });
}

function refused(expected: string, got: string, where: string): TidemarkError {
  return new TidemarkError('STATE_INCOMPATIBLE', {
    expected,
    got,
    where: `a value of a ${where} that an older release has written`,
    hint: 'Give a migrate function that makes a value of the present schema out of it.',
  });
}
