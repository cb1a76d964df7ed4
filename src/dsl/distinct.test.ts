import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addAll, mergeAll, mergePlans } from '../../property-tests/merging.js';
import { check } from '../../property-tests/settings.js';
import { approximateDistinctCount, distinctCount, type Key } from '../index.js';
import { compositeKeyText } from '../state/key-codec.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';

const identity = (key: Key): Key => key;
const exact = distinctCount(identity);
const sketch = approximateDistinctCount(identity);

const scalars: fc.Arbitrary<string | number | boolean | bigint> = fc.oneof(
  fc.string({ maxLength: 2 }),
  fc.constantFrom('\0', '\0P', '\0\0', '1', 'true'),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, NaN, Infinity, 0.5),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.boolean(),
);
const keys: fc.Arbitrary<Key> = fc.oneof(
  scalars,
  fc.array(scalars, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('a', 'b'), scalars, { maxKeys: 2 }),
  // Strings that are spelled like the encoding of a composite.
  fc.array(scalars, { maxLength: 1 }).map((key) => compositeKeyText(key)),
  fc.array(scalars, { maxLength: 1 }).map((key) => `\0${compositeKeyText(key)}`),
);
const manyKeys = fc.array(keys, { maxLength: 60 });
const distinct = (given: readonly Key[]): number =>
  new Set(given.map((k) => compositeKeyText(k))).size;

describe.each([
  ['distinctCount', exact],
  ['approximateDistinctCount of a few', sketch],
] as const)('%s', (_name, aggregator) => {
  check(
    'is the number of different keys, however it is merged',
    fc.property(manyKeys, mergePlans, (given, plan) => {
      const merged = mergeAll(aggregator as typeof exact, given, plan);
      expect(aggregator.result(merged as never)).toBe(distinct(given));
    }),
    { runs: 500 },
  );

  check(
    'comes back from its bytes',
    fc.property(manyKeys, manyKeys, (given, more) => {
      const restored = decodeValue(encodeValue(addAll(aggregator as typeof exact, given)));
      let accumulator = restored as ReturnType<typeof exact.create>;
      for (const key of more) accumulator = (aggregator as typeof exact).add(accumulator, key);
      expect(aggregator.result(accumulator as never)).toBe(distinct([...given, ...more]));
    }),
  );

  test.each([[undefined], [null], [Symbol('s')], [() => 1], [{ a: {} }], [[[]]], [new Date(0)]])(
    'refuses %s as a value',
    (key) => {
      const given = aggregator as typeof exact;
      expect(() => given.add(given.create(), key as never)).toThrow(
        /USER_FUNCTION_FAILED: expected a string, number, boolean, bigint.*istinctCount/,
      );
    },
  );

  test('passes on what the function of the user throws', () => {
    const broken = {
      get a(): number {
        throw new RangeError('mine');
      },
    };
    const given = aggregator as typeof exact;
    expect(() => given.add(given.create(), broken)).toThrow(new RangeError('mine'));
  });

  test('cannot be taken out again and does not depend on arrival', () => {
    expect(aggregator.subtract).toBeUndefined();
    expect(aggregator.arrivalOrder).toBeUndefined();
  });
});

/** Users by number; from 33 on a sketch of precision 8 has registers. */
const crowd = fc
  .tuple(fc.integer({ min: 0, max: 1_000 }), fc.nat({ max: 120 }), fc.boolean())
  .map(([start, size, asText]) =>
    Array.from({ length: size }, (_, index): Key => {
      return asText ? `user ${start + index}` : start + index;
    }),
  );

describe('approximateDistinctCount', () => {
  check(
    'has the same bytes, whatever the order of elements and merges, across the change to registers',
    fc.property(fc.array(crowd, { maxLength: 4 }), mergePlans, (crowds, plan) => {
      const small = approximateDistinctCount(identity, { precision: 8 });
      const given = crowds.flat();
      const bytes = encodeValue(addAll(small, given));
      expect(encodeValue(mergeAll(small, given, plan))).toEqual(bytes);
      expect(encodeValue(addAll(small, [...given, ...given.toReversed()]))).toEqual(bytes);
    }),
    { runs: 300 },
  );

  check(
    'is within five standard errors over random sets',
    fc.property(fc.integer(), fc.integer({ min: 1, max: 3_000 }), (seed, size) => {
      const small = approximateDistinctCount(identity, { precision: 10 });
      const users = Array.from({ length: size }, (_, index) => `${seed}/${index}`);
      const error = small.result(addAll(small, users)) / size - 1;
      expect(Math.abs(error)).toBeLessThan((5 * 1.04) / Math.sqrt(1024));
    }),
    { runs: 150 },
  );

  test('names what its state depends on', () => {
    expect(approximateDistinctCount(identity).name).toBe('approximateDistinctCount(12)');
    expect(approximateDistinctCount(identity, { precision: 14 }).name).toContain('14');
  });

  test.each([7, 17, 12.5, NaN, '12', null])('refuses the precision %s', (precision) => {
    expect(() => approximateDistinctCount(identity, { precision: precision as never })).toThrow(
      /OPTIONS_INVALID.*precision/,
    );
  });

  test('refuses unknown options and async functions', () => {
    expect(() => approximateDistinctCount(identity, { error: 1 } as never)).toThrow('error');
    for (const make of [distinctCount, approximateDistinctCount])
      expect(() => make((async () => 1) as never)).toThrow('USER_FUNCTION_ASYNC');
  });
});
