import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IntegerTable } from './integer-table.js';

const keys = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.constantFrom(-(2 ** 31) + 2, 2 ** 31 - 1, 0, -1, 1 << 16, 1 << 24),
  fc.integer({ min: -(2 ** 31) + 2, max: 2 ** 31 - 1 }),
);

describe('IntegerTable', () => {
  test('does what a Map does, over any additions and deletions', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, fc.boolean()), { maxLength: 400 }), (moves) => {
        const table = new IntegerTable<{ readonly of: number }>();
        const map = new Map<number, { readonly of: number }>();
        for (const [key, isAdded] of moves) {
          if (!isAdded) {
            table.delete(key);
            map.delete(key);
          } else if (!map.has(key)) {
            const value = { of: key };
            table.add(key, value);
            map.set(key, value);
          }
          expect(table.get(key)).toBe(map.get(key));
        }
        expect(table.size).toBe(map.size);
        for (const [key, value] of map) expect(table.get(key)).toBe(value);
        expect(new Set(table.all())).toEqual(new Set(map.values()));
      }),
      { numRuns: 200 },
    );
  });

  test('holds whole numbers of 32 bits, but for two, and nothing else', () => {
    for (const key of [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31) + 2])
      expect(IntegerTable.holds(key), String(key)).toBe(true);
    for (const key of [1.5, NaN, Infinity, 2 ** 31, -(2 ** 31), -(2 ** 31) + 1, '1', 1n, true])
      expect(IntegerTable.holds(key), String(key)).toBe(false);
  });

  test('grows, and does not grow by what comes and goes', () => {
    const table = new IntegerTable<string>();
    for (let key = 0; key < 10_000; key += 1) table.add(key, `v${key}`);
    for (let key = 0; key < 10_000; key += 1) expect(table.get(key)).toBe(`v${key}`);
    for (let key = 0; key < 10_000; key += 1) table.delete(key);
    expect([table.size, [...table.all()].length]).toEqual([0, 0]);
    for (let round = 0; round < 100_000; round += 1) {
      table.add(round, 'x');
      table.delete(round);
    }
    expect([table.size, table.get(99_999)]).toEqual([0, undefined]);
  });

  test('gives all values while some of those given are deleted', () => {
    const table = new IntegerTable<number>();
    for (let key = 0; key < 100; key += 1) table.add(key, key);
    const seen: number[] = [];
    for (const value of table.all()) {
      seen.push(value);
      table.delete(value);
    }
    expect(seen.length).toBe(100);
    expect(table.size).toBe(0);
  });

  test('gives all values that stay, also where it is rebuilt meanwhile', () => {
    const table = new IntegerTable<number>();
    for (let key = 0; key < 5; key += 1) table.add(key, key);
    const seen = new Set<number>();
    for (const value of table.all()) {
      seen.add(value);
      if (table.size < 60) table.add(1000 + table.size, 1000 + table.size);
    }
    for (let key = 0; key < 5; key += 1) expect(seen.has(key)).toBe(true);
  });
});
