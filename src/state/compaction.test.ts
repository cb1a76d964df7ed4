import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pickMerge, RUNS_MAX } from './compaction.js';

/** Lets epochs of given sizes come in; gives the runs at the end, and all that was written. */
function simulate(epochs: readonly number[], keys = Infinity): { most: number; written: number } {
  let runs: number[] = [];
  let most = 0;
  let written = 0;
  for (const size of epochs) {
    const merge = pickMerge(runs);
    if (merge !== undefined) {
      const merged = Math.min(keys, merge.bytes);
      runs = [...runs.slice(0, merge.from), merged];
      written += merged;
    }
    runs.push(size);
    written += size;
    most = Math.max(most, runs.length);
  }
  return { most, written };
}

describe('pickMerge', () => {
  test('leaves a few runs alone, and one large one under small ones', () => {
    expect(pickMerge([])).toBeUndefined();
    expect(pickMerge([1, 1, 1])).toBeUndefined();
    expect(pickMerge([1_000_000, 1, 1, 1])).toBeUndefined();
    expect(pickMerge([1_000_000, 1, 1, 1, 1])).toEqual({ from: 1, bytes: 4 });
  });

  test('runs are bounded, whatever the sizes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 200 }),
        (epochs) => {
          expect(simulate(epochs).most).toBeLessThanOrEqual(RUNS_MAX);
        },
      ),
    );
  });

  test('a growing state is rewritten once for each doubling, about', () => {
    const epochs = new Array<number>(4096).fill(1);
    expect(simulate(epochs).written / 4096).toBeLessThan(12);
  });

  test('where each epoch changes all keys it writes little more than twice', () => {
    const epochs = new Array<number>(1000).fill(100);
    expect(simulate(epochs, 100).written / 100_000).toBeLessThan(1.5);
  });

  test('a large state is not rewritten because a few keys change again and again', () => {
    const epochs = [1_000_000, ...new Array<number>(1000).fill(10)];
    expect(simulate(epochs).written).toBeLessThan(1_100_000);
  });
});
