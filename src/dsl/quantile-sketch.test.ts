import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import {
  addNumber,
  bucketScale,
  createQuantileSketch,
  mergeQuantiles,
  numberAt,
  type BucketScale,
  type QuantileSketch,
} from './quantile-sketch.js';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
/** Far apart: with few buckets, most are folded. */
const wide = fc
  .tuple(fc.constantFrom(1, -1), fc.integer({ min: -200, max: 200 }))
  .map(([sign, power]) => sign * 1.5 ** power);
const coarse = { ...bucketScale(0.2), bucketsMax: 3 };

function sketchOf(numbers: readonly number[], scale: BucketScale): QuantileSketch {
  const sketch = createQuantileSketch();
  for (const number of numbers) addNumber(sketch, number, scale);
  return sketch;
}

/** Codes and counts, as the definition says: per sign the outermost buckets, the rest in the last of them. */
function expectedCells(numbers: readonly number[], { step, shift, bucketsMax }: BucketScale) {
  const code = (number: number): number => {
    if (Math.abs(number) < 2 ** -1022) return 0;
    return Math.sign(number) * (Math.ceil(Math.log(Math.abs(number)) / step) + shift);
  };
  const codes = numbers.map(code);
  const cells = new Map<number, number>();
  for (const sign of [-1, 0, 1]) {
    const ofSign = codes.filter((one) => Math.sign(one) === sign).map(Math.abs);
    const kept = [...new Set(ofSign)].toSorted((a, b) => b - a).slice(0, bucketsMax);
    for (const one of ofSign) {
      const bucket = sign * Math.max(one, kept.at(-1) ?? 0);
      cells.set(bucket, (cells.get(bucket) ?? 0) + 1);
    }
  }
  return [...cells].toSorted(([a], [b]) => a - b);
}

function cellsOf({ cells }: QuantileSketch): [number, number][] {
  const found: [number, number][] = [];
  for (let at = 0; at < cells.length && cells[at] !== Infinity; at += 2)
    found.push([cells[at] as number, cells[at + 1] as number]);
  return found;
}

describe('buckets', () => {
  check(
    'per sign are the outermost ones, and count in the last what is nearer to zero',
    fc.property(fc.array(fc.oneof(wide, fc.constantFrom(0, -0, 5e-324))), (numbers) => {
      expect(cellsOf(sketchOf(numbers, coarse))).toEqual(expectedCells(numbers, coarse));
    }),
    { runs: 500 },
  );

  check(
    'are the same when sketches are merged that have folded already',
    fc.property(fc.array(fc.array(wide), { minLength: 1, maxLength: 4 }), (parts) => {
      const all = createQuantileSketch();
      for (const part of parts) mergeQuantiles(all, sketchOf(part, coarse), coarse);
      expect(all).toEqual(sketchOf(parts.flat(), coarse));
      expect(cellsOf(all)).toEqual(expectedCells(parts.flat(), coarse));
    }),
    { runs: 500 },
  );

  test('have codes that sort as the numbers do, from the smallest to the largest', () => {
    const scale = bucketScale(0.001);
    const numbers = [-Number.MAX_VALUE, -1, -(2 ** -1022), 0, 2 ** -1022, 1, Number.MAX_VALUE];
    for (const number of numbers) {
      const sketch = sketchOf([number, number, number], scale);
      expect(numberAt(sketch, 1, scale)).toBe(number);
    }
    const codes = cellsOf(sketchOf(numbers, scale)).map(([code]) => code);
    expect(codes.length).toBe(7);
    expect(codes.map(Math.sign)).toEqual([-1, -1, -1, 0, 1, 1, 1]);
    expect(codes.every((code) => Math.abs(code) < 2 ** 31)).toBe(true);
  });

  test.each([0.001, 0.01, 0.1, 0.2])('of accuracy %s span nine decimal powers', (accuracy) => {
    const scale = bucketScale(accuracy);
    expect(Math.exp(scale.step)).toBeCloseTo((1 + accuracy) / (1 - accuracy), 12);
    expect(scale.bucketsMax).toBeGreaterThan(Math.log(1e9) / scale.step);
    expect(scale.bucketsMax).toBeLessThan(Math.log(1e9) / (2 * accuracy) + 3);
    // Every bucket of 24 decimal powers, from the outside in and from the inside out.
    const numbers: number[] = [];
    for (let log = 0; log < Math.log(1e24); log += scale.step / 2) numbers.push(Math.exp(log));
    for (const given of [numbers, numbers.toReversed()]) {
      const sketch = sketchOf(given, scale);
      expect(cellsOf(sketch).length).toBe(scale.bucketsMax);
      const first = numbers.findIndex((number) => number > (numbers.at(-1) ?? 0) / 1e9);
      for (const at of [first, first + 1, first + 10, numbers.length - 2]) {
        const number = numbers[at] as number;
        expect(Math.abs(numberAt(sketch, at, scale) / number - 1)).toBeLessThan(accuracy + 1e-9);
      }
      expect(numberAt(sketch, 1, scale)).toBeLessThan(numbers[first] as number);
    }
  });

  test('of large counts stay exact', () => {
    const scale = bucketScale(0.01);
    const sketch = sketchOf([1, 2, 2], scale);
    for (let doubling = 0; doubling < 40; doubling += 1)
      mergeQuantiles(sketch, structuredClone(sketch), scale);
    expect(sketch.count).toBe(3 * 2 ** 40);
    expect(numberAt(sketch, 2 ** 40 - 1, scale)).toBeCloseTo(1, 1);
    expect(numberAt(sketch, 2 ** 40, scale)).toBeCloseTo(2, 1);
  });
});

check(
  'a number is at most the accuracy away, exact at both ends, and never outside',
  fc.property(
    fc.array(fc.oneof(finite, fc.integer(), fc.double({ min: -1, max: 1, noNaN: true })), {
      minLength: 1,
      maxLength: 40,
    }),
    (given) => {
      const scale = bucketScale(0.01);
      const numbers = given.toSorted((a, b) => a - b);
      const sketch = sketchOf(given, scale);
      expect(sketch.min).toBe(Math.min(...numbers));
      expect(sketch.max).toBe(Math.max(...numbers));
      // 40 numbers never fill the buckets, so the span does not matter.
      for (const [position, number] of numbers.entries()) {
        const found = numberAt(sketch, position, scale);
        const allowed = Math.max(Math.abs(number) * 0.01 * (1 + 1e-9), 2 ** -1022);
        expect(Math.abs(found - number)).toBeLessThanOrEqual(allowed);
      }
      expect(numberAt(sketch, 0, scale)).toBe(sketch.min);
      expect(numberAt(sketch, given.length - 1, scale)).toBe(sketch.max);
    },
  ),
  { runs: 500 },
);
