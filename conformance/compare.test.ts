import { describe, expect, test } from 'vitest';
import type { Check, Item } from './case.js';
import { Risen, canonical, compareOut, compareParts, compareRecords } from './compare.js';

const a = { v: 'a', ts: 1 };
const b = { v: 'b', ts: 2 };
const c = { v: 'c', ts: 3 };
const at5 = { wm: 5 };

function isSame(
  expected: readonly Item[],
  got: readonly Item[],
  check: Partial<Check> = {},
): boolean {
  try {
    compareOut(expected, got, check, check.groups);
    return true;
  } catch {
    return false;
  }
}

describe('order', () => {
  test('between watermarks is free by default, and across them is not', () => {
    expect(isSame([a, b, at5], [b, a, at5])).toBe(true);
    expect(isSame([a, at5, b], [b, at5, a])).toBe(false);
    expect(isSame([a, at5], [at5, a])).toBe(false);
    expect(isSame([a, b], [a])).toBe(false);
    expect(isSame([a, b], [a, a])).toBe(false);
  });

  test('exact leaves no freedom', () => {
    expect(isSame([a, b], [a, b], { order: 'exact' })).toBe(true);
    expect(isSame([a, b], [b, a], { order: 'exact' })).toBe(false);
  });

  test('prefix looks at the first items only', () => {
    expect(isSame([a], [a, b], { order: 'prefix' })).toBe(true);
    expect(isSame([a], [b, a], { order: 'prefix' })).toBe(false);
  });

  test('contained wants so many items, each of them listed', () => {
    expect(isSame([a, b], [b, b], { order: 'contained' })).toBe(true);
    expect(isSame([a, b], [b, c], { order: 'contained' })).toBe(false);
    expect(isSame([a, b], [b], { order: 'contained' })).toBe(false);
  });

  test('groups are free inside and fixed outside', () => {
    const groups = { order: 'groups', groups: [2, 1, 1] };
    expect(isSame([a, b, c, at5], [b, a, c, at5], groups)).toBe(true);
    expect(isSame([a, b, c, at5], [a, c, b, at5], groups)).toBe(false);
  });

  test('fixed positions hold besides', () => {
    expect(isSame([a, b], [b, a], { fixedPositions: [[0, b]] })).toBe(true);
    expect(isSame([a, b], [b, a], { fixedPositions: [[0, a]] })).toBe(false);
  });
});

test('no timestamp, NaN and MIN are one', () => {
  expect(isSame([{ v: 1 }, { v: 2, ts: -Infinity }], [{ v: 1, ts: NaN }, { v: 2 }])).toBe(true);
  expect(isSame([{ v: 1 }], [{ v: 1, ts: 0 }])).toBe(false);
});

test('infinities and the order of fields do not get lost in a text', () => {
  expect(canonical({ x: Infinity })).not.toBe(canonical({ x: null }));
  expect(canonical({ x: 1, y: 2 })).toBe(canonical({ y: 2, x: 1 }));
});

test('a watermark that does not rise is left out, and its group with it', () => {
  const risen = new Risen();
  expect(risen.of({ at: 1, out: [a, at5] }).out).toEqual([a, at5]);
  const again = risen.of({ at: 2, out: [b, at5, c], groups: [1, 1, 1] });
  expect(again).toEqual({ out: [b, c], groups: [1, 1] });
});

test('parts are compared each for themselves', () => {
  const parts = ({ v, ts }: { v: unknown; ts?: number | undefined }): Item[] => {
    const [name, count] = v as [string, number];
    return [{ v: name, ts }, { v: count }];
  };
  const compare = (got: readonly Item[]): void =>
    compareParts({
      expected: [
        { v: ['x', 1], ts: 1 },
        { v: ['y', 2], ts: 2 },
      ],
      got,
      check: { at: 1, order: 'groups' },
      groups: [2],
      parts: parts as never,
    });
  compare([
    { v: ['y', 1], ts: 2 },
    { v: ['x', 2], ts: 1 },
  ]);
  expect(() =>
    compare([
      { v: ['y', 1], ts: 2 },
      { v: ['x', 1], ts: 1 },
    ]),
  ).toThrow('expected groups');
});

test('records of a side output may come in any order, unless they may not', () => {
  compareRecords([a, b], [b, a], { exact: false, name: 'side' });
  expect(() => compareRecords([a, b], [b, a], { exact: true, name: 'side' })).toThrow('side');
});
