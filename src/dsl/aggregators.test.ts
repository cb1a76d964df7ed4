import { describe, expect, test } from 'vitest';
import { count, max, min, sum, type Aggregator } from '../index.js';

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
  ['min', min<unknown>],
  ['max', max<unknown>],
] as const)('%s', (name, make) => {
  test.each([NaN, '1', undefined, null, 1n, {}, true])('refuses %s as a number', (value) => {
    const aggregator = make((given) => given as number);
    expect(() => aggregator.add(aggregator.create(), value)).toThrow(
      new RegExp(`USER_FUNCTION_FAILED: expected a number, got .*at ${name}`),
    );
  });

  test('refuses async functions', () => {
    expect(() => make((async () => 1) as never)).toThrow('USER_FUNCTION_ASYNC');
  });
});
