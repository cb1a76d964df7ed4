import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { schemaOf } from '../state/declared-schema.js';
import { schemaChange, type SchemaChange } from './schema-change.js';
import type { JsonSchema } from './schema-keywords.js';

/** As a restart compares them: what was kept against what is taken now. */
function change(was: z.ZodType, is: z.ZodType): SchemaChange {
  const [before, now] = [was, is].map((schema) => schemaOf({ schema }, 'x')?.json());
  const isSame = JSON.stringify(before?.kept) === JSON.stringify(now?.kept);
  if (isSame) return { kind: 'equal', differences: [] };
  return schemaChange(before?.kept as JsonSchema, now?.taken as JsonSchema);
}

const user = z.object({ name: z.string(), age: z.int() });
interface Tree {
  readonly value: number;
  readonly children: Tree[];
}
const tree: z.ZodType<Tree> = z.object({
  value: z.int(),
  get children() {
    return z.array(tree);
  },
});
const wideTree: z.ZodType<unknown> = z.object({
  value: z.number(),
  note: z.string().optional(),
  get children() {
    return z.array(wideTree);
  },
});
const textTree: z.ZodType<unknown> = z.object({
  value: z.string(),
  get children() {
    return z.array(textTree);
  },
});

const compatible: readonly (readonly [string, z.ZodType, z.ZodType])[] = [
  ['an optional field more', user, user.extend({ nick: z.string().optional() })],
  ['a field with a default more', user, user.extend({ nick: z.string().default('') })],
  ['a field less', user, z.object({ name: z.string() })],
  ['a field that becomes optional', user, user.partial({ age: true })],
  ['a field that gets a default', user, user.extend({ age: z.int().default(0) })],
  ['a field that may be null', user, user.extend({ name: z.string().nullable() })],
  ['whole numbers to numbers', z.int(), z.number()],
  ['a type to a union of it', z.string(), z.union([z.string(), z.number()])],
  [
    'a union to a wider one',
    z.union([z.string(), z.int()]),
    z.union([z.number(), z.string(), z.null()]),
  ],
  ['anything', user, z.unknown()],
  ['a literal to an enum of it', z.literal('a'), z.enum(['a', 'b'])],
  ['an enum to more', z.enum(['a', 'b']), z.enum(['b', 'c', 'a'])],
  ['an enum to text', z.enum(['a', 'b']), z.string()],
  ['wider bounds', z.string().min(3).max(5), z.string().min(2).max(9)],
  ['bounds taken away', z.number().min(1), z.number()],
  ['elements that widen', z.array(z.int()), z.array(z.number())],
  ['a record whose values widen', z.record(z.string(), z.int()), z.record(z.string(), z.number())],
  ['fields of a record', z.object({ a: z.int(), b: z.int() }), z.record(z.string(), z.number())],
  ['a tuple that widens', z.tuple([z.int(), z.string()]), z.tuple([z.number(), z.string()])],
  ['a tuple to an array', z.tuple([z.int(), z.int()]), z.array(z.number())],
  [
    'a branch more',
    z.discriminatedUnion('k', [z.object({ k: z.literal('x') })]),
    z.discriminatedUnion('k', [z.object({ k: z.literal('x') }), z.object({ k: z.literal('y') })]),
  ],
  [
    'a Map whose values are the same',
    z.object({ m: z.map(z.string(), z.int()) }),
    z.object({ m: z.map(z.string(), z.int()), n: z.int().optional() }),
  ],
  ['a tree that widens', tree, wideTree],
  [
    'an intersection to a part of it',
    z.intersection(user, z.object({ x: z.int() })),
    z.object({ x: z.int() }),
  ],
];

const incompatible: readonly (readonly [string, z.ZodType, z.ZodType, string])[] = [
  ['another type', z.int(), z.string(), '$: was integer'],
  [
    'a required field more',
    user,
    user.extend({ nick: z.string() }),
    '$.nick: was missing, is required string',
  ],
  [
    'a field that becomes required',
    user.partial(),
    user,
    '$.name: was optional string, is required string',
  ],
  ['a field of another type', user, user.extend({ age: z.string() }), '$.age: was integer'],
  [
    'a field that comes back as another type',
    z.looseObject({}),
    user.partial(),
    '$.name: was anything, is string',
  ],
  [
    'a strict object with a field less',
    user,
    z.strictObject({ name: z.string() }),
    '$.age: was integer',
  ],
  [
    'deep down',
    z.object({ a: z.array(z.object({ b: z.int() })) }),
    z.object({ a: z.array(z.object({ b: z.boolean() })) }),
    '$.a[].b: was integer',
  ],
  ['numbers to whole numbers', z.number(), z.int(), '$: was number, is integer'],
  ['a union to a branch', z.union([z.string(), z.int()]), z.string(), 'is string'],
  ['nullable to not', z.string().nullable(), z.string(), 'is string'],
  ['an enum to less', z.enum(['a', 'b']), z.enum(['a']), '$: was "b", is "a"'],
  ['text to an enum', z.string(), z.enum(['a']), '$: was string, is "a"'],
  [
    'narrower bounds',
    z.string().min(2),
    z.string().min(3),
    '$: was string, minLength 2, is string, minLength 3',
  ],
  ['a bound more', z.number(), z.number().min(0), 'minimum 0'],
  ['a pattern more', z.string(), z.string().regex(/a/), 'pattern'],
  ['another format', z.email(), z.uuid(), 'format'],
  ['elements that narrow', z.array(z.number()), z.array(z.int()), '$[]: was number, is integer'],
  [
    'a record whose values narrow',
    z.record(z.string(), z.number()),
    z.record(z.string(), z.int()),
    '$.*: was number',
  ],
  ['a longer tuple', z.tuple([z.int()]), z.tuple([z.int(), z.int()]), '$: was array'],
  ['a shorter tuple', z.tuple([z.int(), z.int()]), z.tuple([z.int()]), '$: was array'],
  ['an array to a tuple', z.array(z.int()), z.tuple([z.int()]), '$: was array'],
  ['a Date to text', z.date(), z.string(), '$: was date, is string'],
  ['a bigint to a Date', z.bigint(), z.date(), '$: was bigint, is date'],
  [
    'a Map of other values',
    z.map(z.string(), z.int()),
    z.map(z.string(), z.string()),
    '$: was map',
  ],
  ['a Set to an array', z.set(z.int()), z.array(z.int()), '$: was set'],
  ['a tree of text', tree, textTree, '$.value: was integer'],
  ['unknown to something', z.unknown(), z.string(), '$: was anything, is string'],
  [
    'a transform that takes something else',
    z.int(),
    z.string().transform(Number),
    '$: was integer, is string',
  ],
  [
    'both halves of an intersection',
    user,
    z.intersection(user, z.object({ x: z.int() })),
    '$.x: was missing',
  ],
];

describe('schemaChange', () => {
  test.each(compatible)('%s is compatible', (_, was, is) => {
    expect(change(was, is)).toEqual({ kind: 'compatible', differences: [] });
  });

  test.each(incompatible)('%s is not compatible', (_, was, is, difference) => {
    const { kind, differences } = change(was, is);
    expect(kind).toBe('incompatible');
    expect(
      differences.map((one) => `${one.path}: was ${one.was}, is ${one.is}`).join('; '),
    ).toContain(difference);
  });

  test('all differences are named at once', () => {
    const is = z.object({ name: z.int(), age: z.string(), more: z.string() });
    expect(
      change(user, is)
        .differences.map(({ path }) => path)
        .toSorted(),
    ).toEqual(['$.age', '$.more', '$.name']);
  });

  test.each([user, tree, z.map(z.string(), z.set(z.date()))])(
    'a schema equals itself',
    (schema) => {
      expect(change(schema, schema).kind).toBe('equal');
    },
  );

  test('words for people and the order of fields say nothing', () => {
    const was = { type: 'object', properties: { a: { type: 'string' }, b: {} } };
    expect(
      schemaChange(was, { properties: { b: {}, a: { type: 'string' } }, type: 'object' }).kind,
    ).toBe('equal');
    expect(schemaChange(was, { ...was, title: 'x' }).kind).toBe('compatible');
  });

  test('a choice that fails is not taken for proved when it is met again', () => {
    const node = { type: 'object', properties: { v: { type: 'integer' } }, required: ['v'] };
    const bad = { type: 'object', properties: { v: { type: 'string' } }, required: ['v'] };
    const was = {
      type: 'object',
      $defs: { node },
      properties: { x: { $ref: '#/$defs/node' }, y: { $ref: '#/$defs/node' } },
    };
    const is = {
      type: 'object',
      $defs: { bad },
      properties: { x: { anyOf: [{ $ref: '#/$defs/bad' }, {}] }, y: { $ref: '#/$defs/bad' } },
    };
    expect(schemaChange(was, is).kind).toBe('incompatible');
  });

  test('what is called compatible can be parsed', () => {
    let proved = 0;
    fc.assert(
      fc.property(
        drawn,
        drawn,
        fc.nat(2),
        fc.infiniteStream(fc.nat(1000)),
        (was, other, how, chance) => {
          // Mostly something that has to do with the old one, because two at random seldom fit.
          const schema = [other.schema, z.union([other.schema, was.schema]), was.schema.nullable()][
            how
          ] as z.ZodType;
          if (change(was.schema, schema).kind === 'incompatible') return;
          proved += 1;
          for (let round = 0; round < 5; round += 1) {
            const value = was.sample(() => chance.next().value ?? 0);
            expect(schema.safeParse(value).success).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(proved).toBeGreaterThan(100);
  });
});

/** A schema with a way to draw values that it gives out. */
interface Drawn {
  readonly schema: z.ZodType;
  sample(next: () => number): unknown;
}

const scalars: readonly Drawn[] = [
  { schema: z.int(), sample: (next) => next() - 500 },
  { schema: z.number(), sample: (next) => next() / 7 },
  { schema: z.string(), sample: (next) => 'x'.repeat(next() % 5) },
  { schema: z.string().min(2), sample: (next) => 'x'.repeat(2 + (next() % 5)) },
  { schema: z.literal('a'), sample: () => 'a' },
  { schema: z.enum(['a', 'b']), sample: (next) => (next() % 2 === 0 ? 'a' : 'b') },
  { schema: z.boolean(), sample: (next) => next() % 2 === 0 },
  { schema: z.null(), sample: () => null },
  { schema: z.date(), sample: (next) => new Date(next()) },
  { schema: z.bigint(), sample: (next) => BigInt(next()) },
];

const { drawn } = fc.letrec<{ drawn: Drawn }>((tie) => ({
  drawn: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...scalars),
    fc
      .tuple(
        fc.subarray(['p', 'q', 'r']),
        fc.array(tie('drawn'), { minLength: 3, maxLength: 3 }),
        fc.nat(7),
      )
      .map(([names, parts, optional]): Drawn => {
        const fields = names.map((name, index) => ({
          name,
          part: parts[index] as Drawn,
          isOptional: ((optional >> index) & 1) === 1,
        }));
        return {
          schema: z.object(
            Object.fromEntries(
              fields.map(({ name, part, isOptional }) => [
                name,
                isOptional ? part.schema.optional() : part.schema,
              ]),
            ),
          ),
          sample: (next) =>
            Object.fromEntries(
              fields.flatMap(({ name, part, isOptional }) =>
                isOptional && next() % 2 === 0 ? [] : [[name, part.sample(next)]],
              ),
            ),
        };
      }),
    tie('drawn').map((part): Drawn => ({
      schema: z.array(part.schema),
      sample: (next) => Array.from({ length: next() % 3 }, () => part.sample(next)),
    })),
    fc.tuple(tie('drawn'), tie('drawn')).map(([a, b]): Drawn => ({
      schema: z.union([a.schema, b.schema]),
      sample: (next) => (next() % 2 === 0 ? a : b).sample(next),
    })),
    tie('drawn').map((part): Drawn => ({
      schema: part.schema.nullable(),
      sample: (next) => (next() % 2 === 0 ? null : part.sample(next)),
    })),
    tie('drawn').map((part): Drawn => ({
      schema: z.record(z.string(), part.schema),
      sample: (next) =>
        Object.fromEntries(
          Array.from({ length: next() % 3 }, (_, index) => [`k${index}`, part.sample(next)]),
        ),
    })),
    fc.tuple(tie('drawn'), tie('drawn')).map(([a, b]): Drawn => ({
      schema: z.tuple([a.schema, b.schema]),
      sample: (next) => [a.sample(next), b.sample(next)],
    })),
  ),
}));
