import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addAll, mergeAll, mergePlans } from '../../property-tests/merging.js';
import { check } from '../../property-tests/settings.js';
import { quantiles } from '../index.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';

const identity = (number: number): number => number;
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 });

describe('quantiles', () => {
  check(
    'have the same bytes, whatever the order of elements and merges',
    fc.property(fc.array(finite), mergePlans, (numbers, plan) => {
      // 0.2 has the fewest buckets, and doubles lie far apart.
      const latency = quantiles(identity, [0.5], { accuracy: 0.2 });
      const bytes = encodeValue(addAll(latency, numbers));
      expect(encodeValue(mergeAll(latency, numbers, plan))).toEqual(bytes);
    }),
    { runs: 300 },
  );

  check(
    'are the numbers at floor(q (n - 1)), within the accuracy',
    fc.property(
      fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 }),
      shares,
      fc.constantFrom(0.001, 0.01, 0.2),
      (numbers, wanted, accuracy) => {
        const aggregator = quantiles(identity, wanted, { accuracy });
        const found = aggregator.result(addAll(aggregator, numbers));
        const sorted = numbers.toSorted((a, b) => a - b);
        for (const [index, share] of wanted.entries()) {
          const number = sorted[Math.floor(share * (numbers.length - 1))] as number;
          const allowed = Math.max(Math.abs(number) * accuracy * (1 + 1e-9), 2 ** -1022);
          expect(Math.abs((found[index] as number) - number)).toBeLessThanOrEqual(allowed);
        }
      },
    ),
    { runs: 300 },
  );

  check(
    'come back from their bytes',
    fc.property(fc.array(finite, { minLength: 1 }), fc.array(finite), (numbers, more) => {
      const latency = quantiles(identity, [0, 0.5, 1]);
      let accumulator = decodeValue(encodeValue(addAll(latency, numbers))) as ReturnType<
        typeof latency.create
      >;
      for (const number of more) accumulator = latency.add(accumulator, number);
      expect(latency.result(accumulator)).toEqual(
        latency.result(addAll(latency, [...numbers, ...more])),
      );
    }),
  );

  test('of 0 and 1 are the smallest and the largest number, exactly', () => {
    const ends = quantiles(identity, [1, 0]);
    expect(ends.result(addAll(ends, [3.14159, 2.71828, 1.41421]))).toEqual([3.14159, 1.41421]);
  });

  test('come in the order in which they are wanted, without interpolation', () => {
    const aggregator = quantiles(identity, [0.75, 0.5, 0.5]);
    const [high, median, again] = aggregator.result(addAll(aggregator, [10, 20, 1_000, 4_000]));
    expect(high).toBeCloseTo(1_000, -2);
    expect(Math.abs(median / 20 - 1)).toBeLessThan(0.01);
    expect(again).toBe(median);
  });

  test('of one number are that number', () => {
    const aggregator = quantiles(identity, [0, 0.3, 1]);
    for (const number of [0, -7.7, 1e-320, 1e300])
      expect(aggregator.result(addAll(aggregator, [number]))).toEqual([number, number, number]);
  });

  test('of three numbers take little room', () => {
    const latency = quantiles(identity, [0.5]);
    expect(encodeValue(addAll(latency, [1, 1_000, 1_000_000])).length).toBeLessThan(120);
  });

  test('change their accumulator in place, and cannot be taken out again', () => {
    const latency = quantiles(identity, [0.5]);
    const accumulator = latency.create();
    expect(latency.add(accumulator, 1)).toBe(accumulator);
    expect(latency.merge(accumulator, latency.create())).toBe(accumulator);
    expect(latency.subtract).toBeUndefined();
    expect(latency.arrivalOrder).toBeUndefined();
  });

  test('name what their state depends on: the accuracy, not what is wanted', () => {
    expect(quantiles(identity, [0.5]).name).toBe('quantiles(0.01)');
    expect(quantiles(identity, [0.9], { accuracy: 0.05 }).name).toBe('quantiles(0.05)');
  });
});

describe('quantiles refuse', () => {
  test.each([NaN, Infinity, -Infinity, '1', undefined, null, 1n])('%s as a number', (value) => {
    const latency = quantiles(() => value as number, [0.5]);
    const accumulator = latency.create();
    expect(() => latency.add(accumulator, 1)).toThrow(
      /USER_FUNCTION_FAILED: expected a finite number, got .*at quantiles/,
    );
    expect(accumulator).toEqual(latency.create());
  });

  test.each([[[]], [[1.5]], [[-0.1]], [[NaN]], [['0.5']], [0.5], [undefined]])(
    '%j as what is wanted',
    (wanted) => {
      expect(() => quantiles(identity, wanted as never)).toThrow(/OPTIONS_INVALID.*wanted/);
    },
  );

  test.each([0, 0.0009, 0.21, NaN, '1%'])('the accuracy %s', (accuracy) => {
    expect(() => quantiles(identity, [0.5], { accuracy: accuracy as never })).toThrow(
      /OPTIONS_INVALID.*accuracy/,
    );
  });

  test('unknown options and async functions', () => {
    expect(() => quantiles(identity, [0.5], { error: 1 } as never)).toThrow('error');
    expect(() => quantiles((async () => 1) as never, [0.5])).toThrow('USER_FUNCTION_ASYNC');
  });
});
