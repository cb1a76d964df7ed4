import { describe, expect, test } from 'vitest';
import { count, elements, sum, type Aggregator } from '../index.js';
import { SliceAssigner, sliding, tumbling, type AlignedWindows } from '../time/windows.js';
import { KeySlices } from './key-slices.js';
import { SliceSums } from './slice-sums.js';

const slides = sliding({ size: 30, slide: 10 });
const whole = sum((n: number) => n, { whole: true });

describe('running totals are kept', () => {
  test('where the aggregator can take out again, without lateness, over more than two slices', () => {
    const keeps = (aggregator: unknown, spec: AlignedWindows, lateness: number): boolean =>
      sums(aggregator, spec, lateness).keepsTotals;
    expect(keeps(count(), slides, 0)).toBe(true);
    expect(keeps(whole, slides, 0)).toBe(true);
    expect(
      keeps(
        sum((n: number) => n),
        slides,
        0,
      ),
    ).toBe(false);
    expect(keeps(elements(), slides, 0)).toBe(false);
    expect(keeps(count(), slides, 1)).toBe(false);
    expect(keeps(count(), tumbling({ size: 30 }), 0)).toBe(false);
    expect(keeps(count(), sliding({ size: 20, slide: 10 }), 0)).toBe(false);
  });
});

describe.each([
  ['merged anew', sum((n: number) => n)],
  ['as a running total', whole],
] as const)('a window %s', (_name, aggregator) => {
  test('is the sum of the slices that it holds, and of no others', () => {
    const live = slicesOf([-10, 100], [0, 1], [10, 2], [20, 4], [30, 50], [40, 70]);
    expect(valueOf(sums(aggregator, slides), live, 0)).toBe(7);
  });

  test('has no value where it holds no slice', () => {
    const live = slicesOf([0, 1], [90, 2]);
    expect(valueOf(sums(aggregator, slides), live, 40)).toBeUndefined();
    expect(valueOf(sums(aggregator, slides), new KeySlices(), 0)).toBeUndefined();
  });

  test('of one slice is that slice', () => {
    expect(valueOf(sums(aggregator, slides), slicesOf([0, 1], [10, 5], [40, 2]), 10)).toBe(5);
  });
});

describe('a running total', () => {
  test('takes in the newest slide only, once it is there', () => {
    const seen: number[] = [];
    const watched = {
      ...whole,
      merge: (into: number, other: number) => (seen.push(other), into + other),
    };
    const of = sums(watched, slides);
    const live = slicesOf([0, 1], [10, 2], [20, 4], [30, 8], [40, 16]);
    expect(valueOf(of, live, 0)).toBe(7);
    expect(seen.splice(0).toSorted()).toEqual([1, 2, 4]);
    leave(live, 1);
    expect(valueOf(of, live, 10)).toBe(14);
    leave(live, 2);
    expect(valueOf(of, live, 20)).toBe(28);
    expect(seen).toEqual([8, 16]);
  });

  test('stays over a window without new slices', () => {
    const of = sums(whole, slides);
    const live = slicesOf([20, 4]);
    expect([valueOf(of, live, 0), valueOf(of, live, 10), valueOf(of, live, 20)]).toEqual([4, 4, 4]);
  });

  test('is not begun by a window without slices', () => {
    const live = slicesOf([90, 2]);
    valueOf(sums(whole, slides), live, 0);
    expect(live.hasTotal).toBe(false);
  });

  test('may be 0 and is one all the same', () => {
    const of = sums(whole, slides);
    const live = slicesOf([0, 0], [30, 5]);
    expect([valueOf(of, live, 0), live.hasTotal]).toEqual([0, true]);
    expect(valueOf(of, live, 10)).toBe(5);
  });
});

describe('an aggregator that merges in place', () => {
  const lists: Aggregator<number, number[], string> = {
    name: 'lists',
    create: () => [],
    add: (all, n) => [...all, n],
    merge(into, other) {
      into.push(...other);
      return into;
    },
    result: (all) => all.join(' '),
  };

  test.each([
    ['merged anew', lists],
    [
      'as a running total',
      {
        ...lists,
        subtract: (from: number[], other: number[]) => from.filter((n) => !other.includes(n)),
      },
    ],
  ])('leaves the slices as they are: %s', (_name, aggregator) => {
    const of = sums(aggregator, slides);
    const live = slicesOf([0, [1]], [10, [2]], [20, [3]]);
    valueOf(of, live, 0);
    valueOf(of, live, 0 - 10);
    expect([0, 1, 2].map((index) => live.accumulatorAt(index))).toEqual([[1], [2], [3]]);
  });
});

/** The value of the window that starts at a time; undefined when it has none. */
function valueOf(of: SliceSums, live: KeySlices, start: number): unknown {
  return of.of(live, { start, end: start + 30 }) ? of.found : undefined;
}

/** Takes the oldest slice out, of the total too. */
function leave(live: KeySlices, value: number): void {
  live.shift();
  live.keepTotal((live.total as number) - value);
}

function sums(aggregator: unknown, spec: AlignedWindows, latenessMs = 0): SliceSums {
  return new SliceSums(
    aggregator as Aggregator<unknown, unknown, unknown>,
    new SliceAssigner(spec),
    latenessMs,
  );
}

function slicesOf(...pairs: readonly (readonly [number, unknown])[]): KeySlices {
  const live = new KeySlices();
  for (const [start, accumulator] of pairs) live.open(start, accumulator);
  return live;
}
