import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { createCells, insertAt, placeOf, usedLength } from './sorted-cells.js';

function cellsOf(numbers: readonly number[], stride: number): Float64Array {
  let cells = createCells(stride);
  for (const number of numbers)
    cells = insertAt(cells, placeOf(cells, number, stride), number, stride);
  return cells;
}

describe.each([1, 2])('cells of stride %s', (stride) => {
  check(
    'hold what was put in, sorted, in the same bytes whatever the order was',
    fc.property(
      fc
        .uniqueArray(fc.integer(), { maxLength: 200 })
        .chain((numbers) =>
          fc.tuple(
            fc.constant(numbers),
            fc.shuffledSubarray(numbers, { minLength: numbers.length }),
          ),
        ),
      ([numbers, inAnotherOrder]) => {
        const cells = cellsOf(numbers, stride);
        const sorted = numbers.toSorted((a, b) => a - b);
        const used = usedLength(cells, stride);
        expect(used).toBe(numbers.length * stride);
        expect([...cells.subarray(0, used)].filter((_, at) => at % stride === 0)).toEqual(sorted);
        expect(cellsOf(inAnotherOrder, stride)).toEqual(cells);
        for (const [place, number] of sorted.entries())
          expect(placeOf(cells, number, stride)).toBe(place * stride);
      },
    ),
  );

  test('begin with four places, double up to 64, and then grow by 64', () => {
    const lengths = new Set<number>();
    let cells = createCells(stride);
    for (let number = 0; number < 190; number += 1) {
      lengths.add(cells.length / stride);
      cells = insertAt(cells, placeOf(cells, number, stride), number, stride);
    }
    expect([...lengths]).toEqual([4, 8, 16, 32, 64, 128, 192]);
  });

  test('a number above all has its place behind them', () => {
    expect(placeOf(cellsOf([1, 2, 3, 4], stride), 5, stride)).toBe(4 * stride);
    expect(placeOf(cellsOf([1, 2], stride), 5, stride)).toBe(2 * stride);
  });
});

test('what stands behind a number moves with it, and begins at zero', () => {
  let cells = cellsOf([10, 30], 2);
  cells[1] = 1;
  cells[3] = 3;
  cells = insertAt(cells, placeOf(cells, 20, 2), 20, 2);
  expect([...cells]).toEqual([10, 1, 20, 0, 30, 3, Infinity, 0]);
});
