import { describe, expect, test } from 'vitest';
import {
  addHash,
  createSketch,
  estimate,
  hashesMax,
  joinHash,
  mergeSketches,
  type DistinctSketch,
} from './distinct-sketch.js';
import { hashValue } from './sketch-hash.js';

const hashOf = (value: string): number =>
  joinHash(hashValue(value, false, 1), hashValue(value, false, 2));

function sketchOf(name: string, size: number, precision: number): DistinctSketch {
  let sketch = createSketch();
  for (let value = 0; value < size; value += 1)
    sketch = addHash(sketch, hashOf(`${name}:${value}`), precision);
  return sketch;
}

describe('a sketch of distinct values', () => {
  test('keeps hashes as long as they take no more bytes than registers would', () => {
    for (const precision of [8, 12]) {
      const max = hashesMax(precision);
      for (const size of [0, 1, 3, max - 1, max]) {
        const sketch = sketchOf('a', size, precision);
        expect(sketch).toBeInstanceOf(Float64Array);
        expect(sketch.byteLength).toBeLessThanOrEqual(2 ** precision);
        expect(estimate(sketch, precision)).toBe(size);
      }
      expect(sketchOf('a', max + 1, precision)).toEqual(expect.any(Uint8Array));
      expect(sketchOf('a', max + 1, precision).byteLength).toBe(2 ** precision);
    }
  });

  test('of three values takes 32 bytes', () => {
    expect(sketchOf('a', 3, 12).byteLength).toBe(32);
  });

  // Measured over many more sets when it was written: 0.7 to 1.0 of the stated error, bias below 0.1 of it.
  test.each([
    [8, 40],
    [8, 256],
    [8, 5_000],
    [12, 600],
    [12, 4_096],
    [12, 20_000],
  ])('with precision %s over %s values errs as stated', (precision, size) => {
    const sets = Math.min(400, Math.ceil(600_000 / size));
    const errors = Array.from({ length: sets }, (_, set) => {
      const sketch = sketchOf(`set ${set}`, size, precision);
      return estimate(sketch, precision) / size - 1;
    });
    const stated = 1.04 / Math.sqrt(2 ** precision);
    const mean = errors.reduce((total, error) => total + error, 0) / sets;
    const square = errors.reduce((total, error) => total + error * error, 0) / sets;
    expect(Math.sqrt(square)).toBeLessThan(stated * 1.3);
    expect(Math.sqrt(square)).toBeGreaterThan(stated * 0.4);
    expect(Math.abs(mean)).toBeLessThan(stated * 0.45);
  });

  test('finds runs that go on in the low half of a hash', () => {
    const precision = 8;
    // Enough hashes for registers, each with a run of 1 in a register of its own.
    let sketch = createSketch();
    for (let index = 0; index <= hashesMax(precision); index += 1)
      sketch = addHash(sketch, joinHash(index * 2 ** 24 + 2 ** 23, 0), precision);
    for (const [index, low, run] of [
      [100, 2 ** 31, 25],
      [101, 2 ** 30, 26],
      [102, 2 ** 12, 44],
      [103, 0, 45],
      [104, 2 ** 12 - 1, 45],
    ] as const) {
      sketch = addHash(sketch, joinHash(index * 2 ** 24, low), precision);
      expect(sketch[index]).toBe(run);
    }
    expect(sketch[0]).toBe(1);
  });

  test('estimates registers that are all at their end', () => {
    const full = new Uint8Array(256).fill(45);
    expect(estimate(full, 8)).toBe(Infinity);
    expect(estimate(new Uint8Array(256), 8)).toBe(0);
    full[0] = 44;
    expect(estimate(full, 8)).toBeGreaterThan(2 ** 50);
  });

  test('a merge of registers into hashes leaves the registers as they are', () => {
    const large = sketchOf('a', 100, 8);
    const before = large.slice();
    const merged = mergeSketches(sketchOf('b', 5, 8), large, 8);
    expect(large).toEqual(before);
    expect(merged).not.toBe(large);
    expect(merged).toEqual(mergeSketches(large, sketchOf('b', 5, 8), 8));
  });
});
