import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergePlans, addAll, mergeAll } from '../../property-tests/merging.js';
import { check } from '../../property-tests/settings.js';
import { elements, first, last } from '../index.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';

interface Reading {
  readonly at: number;
  readonly name: string;
}
const readings = fc.array(fc.record({ at: fc.integer({ max: 5, min: 0 }), name: fc.string() }), {
  minLength: 1,
});
const cuts = fc.nat({ max: 20 });

describe('elements', () => {
  const all = elements<Reading>();

  check(
    'gives all of them in the order of arrival, also when they come in two parts',
    fc.property(readings, cuts, (given, cut) => {
      const parts = [given.slice(0, cut), given.slice(cut)] as const;
      const merged = all.merge(addAll(all, parts[0]), addAll(all, parts[1]));
      expect(all.result(merged)).toEqual(given);
    }),
  );

  test('says that it keeps elements and their order', () => {
    expect(all).toMatchObject({ name: 'elements', arrivalOrder: true, keepsElements: true });
    expect(all.subtract).toBeUndefined();
  });

  test('gives a list of its own: later elements do not get into it, and it may be frozen', () => {
    const accumulator = addAll(all, [{ at: 1, name: 'a' }]);
    const result = Object.freeze(all.result(accumulator));
    all.add(accumulator, { at: 2, name: 'b' });
    expect(result).toEqual([{ at: 1, name: 'a' }]);
  });

  test('merges more elements than a call takes arguments', () => {
    const many = elements<number>();
    const large = Array.from({ length: 300_000 }, (_, index) => index);
    expect(many.result(many.merge(many.create(), large)).length).toBe(300_000);
  });
});

describe.each([
  ['first', first<Reading>(), 0],
  ['last', last<Reading>(), -1],
] as const)('%s', (name, aggregator, end) => {
  check(
    'is the element that arrived there, also when they come in two parts',
    fc.property(readings, cuts, (given, cut) => {
      const parts = [given.slice(0, cut), given.slice(cut)] as const;
      const merged = aggregator.merge(addAll(aggregator, parts[0]), addAll(aggregator, parts[1]));
      expect(aggregator.result(merged)).toBe(given.at(end));
    }),
  );

  test('says that it depends on arrival', () => {
    expect(aggregator).toMatchObject({ name, arrivalOrder: true });
    expect(aggregator.keepsElements).toBeUndefined();
    expect(aggregator.subtract).toBeUndefined();
  });

  test('an element may be undefined', () => {
    const any = name === 'first' ? first<unknown>() : last<unknown>();
    const accumulator = any.merge(addAll(any, [undefined]), any.create());
    expect(accumulator).toEqual([undefined]);
    expect(any.result(accumulator)).toBe(undefined);
  });
});

describe.each([
  ['first', first<Reading>({ by: ({ at }) => at }), (a: Reading, b: Reading) => a.at - b.at],
  ['last', last<Reading>({ by: ({ at }) => at }), (a: Reading, b: Reading) => b.at - a.at],
] as const)('%s by a number', (name, aggregator, order) => {
  check(
    'has the outermost number, whatever was merged with what first',
    fc.property(readings, mergePlans, (given, plan) => {
      const best = given.toSorted(order)[0];
      expect(aggregator.result(mergeAll(aggregator, given, plan)).at).toBe(best?.at);
    }),
  );

  check(
    'is the same element, in the same bytes, as long as no two have one number',
    fc.property(fc.uniqueArray(fc.integer(), { minLength: 1 }), mergePlans, (numbers, plan) => {
      const given = numbers.map((at) => ({ at, name: `r${at}` }));
      const merged = encodeValue(mergeAll(aggregator, given, plan));
      expect(merged).toEqual(encodeValue(addAll(aggregator, given)));
      const restored = decodeValue(merged) as ReturnType<typeof aggregator.create>;
      expect(aggregator.result(restored)).toEqual(given.toSorted(order)[0]);
    }),
  );

  check(
    `of several with one number it is the one that arrived ${name}`,
    fc.property(readings, cuts, (given, cut) => {
      const parts = [given.slice(0, cut), given.slice(cut)] as const;
      const merged = aggregator.merge(addAll(aggregator, parts[0]), addAll(aggregator, parts[1]));
      const inOrder = name === 'first' ? given : given.toReversed();
      expect(aggregator.result(merged)).toBe(inOrder.toSorted(order)[0]);
    }),
  );

  test('says that it does not depend on arrival', () => {
    expect(aggregator.name).toBe(`${name}(by)`);
    expect(aggregator.arrivalOrder).toBeUndefined();
    expect(aggregator.keepsElements).toBeUndefined();
  });
});

describe.each([
  ['first', first<unknown>],
  ['last', last<unknown>],
] as const)('%s', (name, make) => {
  test.each([NaN, '1', undefined, null])('refuses %s as a number', (value) => {
    const aggregator = make({ by: () => value as number });
    expect(() => aggregator.add(aggregator.create(), 1)).toThrow(
      new RegExp(`USER_FUNCTION_FAILED: expected a number, got .*at by of ${name}`),
    );
  });

  test('refuses wrong options', () => {
    expect(() => make({ by: 'at' as never })).toThrow('OPTIONS_INVALID');
    expect(() => make({ from: 1 } as never)).toThrow('unknown option "from"');
    expect(() => make({ by: (async () => 1) as never })).toThrow('USER_FUNCTION_ASYNC');
  });
});
