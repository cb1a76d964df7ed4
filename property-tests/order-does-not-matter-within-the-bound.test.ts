/**
 * Law 1: any order that keeps every element ahead of the watermark gives the same results.
 *
 * Family: metamorphic (shuffle within the bound), and the oracle, to which order means nothing: all arrives, then
 * time ends. It can see an element judged by its own watermark, a window that fires before its last straggler, state
 * that depends on who came first, sessions that merge in one order only, and a tie that is broken by arrival.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { cases, meetings } from './cases.js';
import type { Description, Item } from './description.js';
import { reorderings } from './logs.js';
import { inLibrary } from './modes.js';
import { batchOracle } from './batch.js';
import { inOrder, interleaved } from './oracle-stream.js';
import { check } from './settings.js';
import { multisetOf } from './text.js';

interface Orders {
  readonly description: Description;
  readonly items: readonly Item[];
  readonly reordered: readonly Item[];
}

const steady = { kind: 'steady', stragglers: false } as const;

const oneInput: fc.Arbitrary<Orders> = cases(steady).chain(({ description, items }) =>
  reorderings(items, description.time.bound).map((reordered) => ({
    description,
    items,
    reordered,
  })),
);

describe('order does not matter within the bound', () => {
  check(
    'a log and its reordering give what the oracle gives to a heap of elements',
    fc.property(oneInput, ({ description, items, reordered }) => {
      const expected = multisetOf(batchOracle(description, items));
      for (const log of [items, reordered])
        expect(multisetOf(inLibrary(description, inOrder(log)).flat())).toEqual(expected);
    }),
    { runs: 600, timeoutMs: 60_000 },
  );

  check(
    'two inputs meet in any order',
    fc.property(meetings(steady), ({ description, first, second, turns }) => {
      const happenings = interleaved(inOrder(first, 0), inOrder(second, 1), turns);
      const outputs = inLibrary(description, happenings).flat();
      expect(multisetOf(outputs)).toEqual(multisetOf(batchOracle(description, first, second)));
    }),
    { runs: 500, timeoutMs: 60_000 },
  );
});
