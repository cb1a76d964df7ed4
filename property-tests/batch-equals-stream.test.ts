/**
 * Law 8: a bounded run equals a recomputation from scratch over the complete, sorted input.
 *
 * Family: the oracle, which is given everything at once. It can see a result that hangs on how watermarks cut the input:
 * a window that is forgotten before its last element, a state or a memory that expires while it is needed, a pane that
 * is subtracted twice, a timer that is lost between two advances.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { cases, splitCases } from './cases.js';
import { isOrderedByKey } from './traits.js';
import { inHarness, inJob } from './modes.js';
import { batchOracle } from './batch.js';
import { inOrder } from './oracle-stream.js';
import { deaths } from './deaths.js';
import { check } from './settings.js';
import { multisetOf, sequencesOf, textOf } from './text.js';
import { inWorld } from './worlds.js';

describe('batch equals stream', () => {
  check(
    'where nothing hangs on order: whatever the disorder, the bound and the step of watermarks',
    fc.property(cases({ kind: 'steady', stragglers: false }), ({ description, items }) => {
      const outputs = inHarness(description, inOrder(items)).flat();
      expect(multisetOf(outputs)).toEqual(multisetOf(batchOracle(description, items)));
    }),
    { runs: 500, timeoutMs: 60_000 },
  );

  check(
    'where only the order of elements matters: over a sorted log',
    fc.property(cases({ kind: 'eager', stragglers: false }), ({ description, items }) => {
      const sorted = items.toSorted((a, b) => a.at - b.at);
      const outputs = inHarness(description, inOrder(sorted)).flat();
      const expected = batchOracle(description, sorted);
      expect(multisetOf(outputs)).toEqual(multisetOf(expected));
      if (isOrderedByKey(description)) expect(sequencesOf(outputs)).toEqual(sequencesOf(expected));
    }),
    { runs: 500, timeoutMs: 60_000 },
  );

  check(
    'a job over several splits, with epochs in between',
    fc.asyncProperty(
      splitCases(3),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(1, 3),
      async ({ description, arrays }, records, parallelism) => {
        const { items } = await inJob(description, [arrays], { records, parallelism, chunk: 4 });
        expect(multisetOf(items)).toEqual(multisetOf(batchOracle(description, arrays.flat())));
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );

  check(
    'a batch job, in which nothing is late: whatever comes behind the bound of the watermarks',
    fc.asyncProperty(
      cases({ kind: 'steady', stragglers: true }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(1, 3),
      async ({ description, items }, records, parallelism) => {
        const options = { records, parallelism, chunk: 4, execution: 'batch' } as const;
        const { items: results, summary } = await inJob(description, [[items]], options);
        expect(summary.late).toBe(0);
        expect(multisetOf(results)).toEqual(multisetOf(batchOracle(description, items)));
      },
    ),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'a batch job over several splits, with deaths in between',
    fc.asyncProperty(
      splitCases(3),
      fc.array(deaths, { minLength: 1, maxLength: 3 }),
      fc.array(fc.constantFrom(1, 3), { minLength: 1, maxLength: 3 }),
      fc.nat(),
      async ({ description, arrays }, planned, shards, seed) => {
        const options = { seed, deaths: planned, shards, records: 5, chunk: 3 };
        const lived = await inWorld(description, [arrays], { ...options, execution: 'batch' });
        const expected = batchOracle(description, arrays.flat());
        expect([...lived.lines].toSorted()).toEqual(expected.map(textOf).toSorted());
      },
    ),
    { runs: 100, timeoutMs: 60_000 },
  );
});
