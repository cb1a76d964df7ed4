import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IngestIndex, type FoundEntry } from './ingest-index.js';

const entry = (first: number, count: number, durable = first - 1): FoundEntry => ({
  ...{ first, count, durable, bytes: count },
});
const open = (found: readonly FoundEntry[], trimmed = 0) =>
  IngestIndex.of(found, { trimmed, where: 'log' });

describe('what is found at open', () => {
  test('is put in order, and counted', () => {
    const { index, removed } = open([entry(4, 2), entry(1, 3)]);
    expect([index.last, index.trimmed, index.bytes, removed]).toEqual([5, 0, 5, []]);
    expect([1, 3, 4, 5, 6].map((n) => index.find(n)?.first)).toEqual([1, 1, 4, 4, undefined]);
  });

  test('behind the trim mark is removed, whatever is missing there', () => {
    const { index, removed } = open([entry(1, 2), entry(7, 2), entry(9, 1)], 8);
    expect(removed.map(({ first }) => first)).toEqual([1, 7]);
    expect([index.trimmed, index.last]).toEqual([8, 9]);
  });

  test('behind a gap is removed when none of it was ever acknowledged', () => {
    // Three records of one flush, the middle one lost with the power.
    const { index, removed } = open([entry(1, 2), entry(5, 2, 2), entry(7, 1, 2)]);
    expect([index.last, removed.map(({ first }) => first)]).toEqual([2, [5, 7]]);
  });

  test('is damaged when something is missing that was on disk', () => {
    expect(() => open([entry(1, 2), entry(5, 2, 4)])).toThrow(
      /STATE_DAMAGED: expected the values 3 to 4, which were on disk/,
    );
    expect(() => open([entry(5, 2)])).toThrow(/STATE_DAMAGED.*the values 1 to 4/);
    expect(() => open([entry(12, 1, 11)], 10)).toThrow(/STATE_DAMAGED.*the values 11 to 11/);
  });
});

describe('trimming', () => {
  test('lets whole records go, and never more than it is told', () => {
    const { index } = open([entry(1, 3), entry(4, 3), entry(7, 3)]);
    expect(index.trim(2)).toEqual([]);
    expect(index.trim(6).map(({ first }) => first)).toEqual([1, 4]);
    expect([index.trimmed, index.bytes, index.find(7)?.first]).toEqual([6, 3, 7]);
    expect(index.trim(100).map(({ first }) => first)).toEqual([7]);
    expect([index.trimmed, index.last, index.bytes]).toEqual([9, 9, 0]);
  });

  test('agrees with a list at every step', () => {
    const steps = fc.array(fc.record({ add: fc.integer({ min: 1, max: 5 }), trim: fc.nat(40) }));
    fc.assert(
      fc.property(steps, (given) => {
        const { index } = open([]);
        const model = new Map<number, number>();
        let trimmed = 0;
        for (const { add, trim } of given) {
          const first = index.last + 1;
          for (let at = 0; at < add; at += 1) model.set(first + at, first);
          index.add(entry(first, add));
          for (const gone of index.trim(trim)) {
            trimmed = gone.first + gone.count - 1;
            for (let at = 0; at < gone.count; at += 1) model.delete(gone.first + at);
          }
          expect([index.trimmed, index.bytes]).toEqual([trimmed, model.size]);
          for (const number of model.keys()) expect(number).toBeGreaterThan(trimmed);
          for (const [number, record] of model) expect(index.find(number)?.first).toBe(record);
        }
      }),
    );
  });
});
