import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addAll, mergeAll, mergePlans } from '../../property-tests/merging.js';
import { check } from '../../property-tests/settings.js';
import { average, count, max, min, sum, type Aggregator } from '../index.js';
import { encodeValue } from '../state/value-codec.js';

const number = (n: number): number => n;

const cases: [string, Aggregator<number, number, number>, (all: number[]) => number][] = [
  ['count', count(), (all) => all.length],
  ['sum', sum(number), (all) => all.reduce((a, b) => a + b, 0)],
  ['min', min(number), (all) => Math.min(...all)],
  ['max', max(number), (all) => Math.max(...all)],
];

const samples: number[][] = [[1], [3, 1, 2], [-5, 5], [0, -0], [Infinity, 1], [1, 2, 3, 4, 5, 6]];

describe.each(cases)('%s', (name, aggregator, expected) => {
  const over = (values: readonly number[]): number =>
    values.reduce((accumulator, value) => aggregator.add(accumulator, value), aggregator.create());

  test('says its name', () => {
    expect(aggregator.name).toBe(name);
  });

  test('is the same as over a list', () => {
    for (const values of samples) expect(aggregator.result(over(values))).toBe(expected(values));
  });

  test('may be cut anywhere and merged', () => {
    for (const values of samples)
      for (let cut = 0; cut <= values.length; cut += 1) {
        const merged = aggregator.merge(over(values.slice(0, cut)), over(values.slice(cut)));
        expect(aggregator.result(merged)).toBe(expected(values));
      }
  });

  test('an accumulator of nothing changes nothing', () => {
    expect(aggregator.merge(over([4, 2]), aggregator.create())).toBe(over([4, 2]));
    expect(aggregator.merge(aggregator.create(), over([4, 2]))).toBe(over([4, 2]));
  });
});

describe.each([
  ['sum', sum<unknown>],
  ['average', average<unknown>],
  ['min', min<unknown>],
  ['max', max<unknown>],
] as const)('%s', (name, make) => {
  test.each([NaN, '1', undefined, null, 1n, {}, true])('refuses %s as a number', (value) => {
    const aggregator: Aggregator<unknown, unknown, number> = make((given) => given as number);
    expect(() => aggregator.add(aggregator.create(), value)).toThrow(
      new RegExp(`USER_FUNCTION_FAILED: expected a number, got .*at ${name}`),
    );
  });

  test('refuses async functions', () => {
    expect(() => make((async () => 1) as never)).toThrow('USER_FUNCTION_ASYNC');
  });
});

describe('average', () => {
  const mean = average(number);

  test('divides as doubles do', () => {
    expect(mean.result(addAll(mean, [1, 2]))).toBe(1.5);
    expect(mean.result(addAll(mean, [-7]))).toBe(-7);
    expect(mean.result(addAll(mean, [Infinity, 1]))).toBe(Infinity);
  });

  check(
    'is the sum divided by the count, however it is merged',
    fc.property(fc.array(fc.integer(), { minLength: 1 }), mergePlans, (values, plan) => {
      const expected = values.reduce((a, b) => a + b, 0) / values.length;
      expect(mean.result(mergeAll(mean, values, plan))).toBe(expected);
    }),
  );

  test('changes its accumulator in place, and an element that is refused changes nothing', () => {
    const accumulator = mean.create();
    expect(mean.add(accumulator, 1)).toBe(accumulator);
    expect(() => mean.add(accumulator, NaN)).toThrow('USER_FUNCTION_FAILED');
    expect(accumulator).toEqual({ sum: 1, count: 1 });
  });
});

const safe = fc.maxSafeInteger();
const exactSum = (values: readonly number[]): bigint =>
  values.reduce((total, value) => total + BigInt(value), 0n);

describe('with whole numbers', () => {
  const total = sum(number, { whole: true });
  const mean = average(number, { whole: true });

  check(
    'a sum is the double next to the exact one, in the same bytes, however it is merged',
    fc.property(fc.array(safe), mergePlans, (values, plan) => {
      const merged = mergeAll(total, values, plan);
      expect(total.result(merged)).toBe(Number(exactSum(values)));
      expect(encodeValue(merged)).toEqual(encodeValue(addAll(total, values)));
    }),
  );

  check(
    'a mean is that sum divided by the count, in the same bytes, however it is merged',
    fc.property(fc.array(safe, { minLength: 1 }), mergePlans, (values, plan) => {
      const merged = mergeAll(mean, values, plan);
      expect(mean.result(merged)).toBe(Number(exactSum(values)) / values.length);
      expect(encodeValue(merged)).toEqual(encodeValue(addAll(mean, values)));
    }),
  );

  check(
    'what was merged in is taken out again exactly',
    fc.property(fc.array(safe), fc.array(safe), (values, more) => {
      const left = encodeValue(addAll(total, values));
      const both = total.merge(addAll(total, values), addAll(total, more));
      expect(encodeValue(total.subtract?.(both, addAll(total, more)))).toEqual(left);
      const means = mean.merge(addAll(mean, values), addAll(mean, more));
      expect(mean.subtract?.(means, addAll(mean, more))).toEqual(addAll(mean, values));
    }),
  );

  test('a sum is a number again when it comes back into the range', () => {
    const large = Number.MAX_SAFE_INTEGER;
    expect(addAll(total, [large, 1])).toBe(2n ** 53n);
    expect(addAll(total, [large, 1, -1])).toBe(large);
    expect(addAll(total, [-large, -2])).toBe(-(2n ** 53n) - 1n);
    expect(Object.is(addAll(total, [-0]), 0)).toBe(true);
  });

  test('only they can be taken out again', () => {
    expect(count().subtract?.(5, 2)).toBe(3);
    for (const inexact of [sum(number), sum(number, {}), average(number), min(number), max(number)])
      expect(inexact.subtract).toBeUndefined();
  });

  test('have names of their own, because their state is another', () => {
    expect([total.name, mean.name]).toEqual(['sum(whole)', 'average(whole)']);
  });

  test.each([0.5, 2 ** 53, -(2 ** 53), Infinity, NaN, '1', undefined, 1n])(
    '%s is refused',
    (value) => {
      for (const aggregator of [total, mean] as Aggregator<number, unknown, number>[])
        expect(() => aggregator.add(aggregator.create(), value as number)).toThrow(
          /USER_FUNCTION_FAILED: expected a whole number between -2\^53 and 2\^53, got /,
        );
    },
  );

  test('wrong options are refused', () => {
    expect(() => sum(number, { whole: 1 } as never)).toThrow(/OPTIONS_INVALID.*sum\(\), whole/);
    expect(() => sum(number, { exact: true } as never)).toThrow('unknown option "exact"');
    expect(() => average(number, { whole: 1 } as never)).toThrow(/OPTIONS_INVALID.*average\(\), w/);
    expect(() => average(number, { exact: true } as never)).toThrow('unknown option "exact"');
  });
});
