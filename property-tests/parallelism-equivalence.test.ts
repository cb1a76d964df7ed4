/**
 * Law 7: 1 shard or 8 give the same output up to the order between keys; also across a rescale.
 *
 * Family: metamorphic (add shards, change their number at a restart), against the oracle. It can see a key that is in
 * two shards, state or a timer that stays behind when its key group moves, a watermark that overtakes elements in a
 * channel, and a minimum over shards that is not one.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { cases, meetings, splitCases } from './cases.js';
import { batchOracle } from './batch.js';
import { isOrderedByKey } from './traits.js';
import { stops } from './deaths.js';
import { inJob } from './modes.js';
import { oracleOf } from './oracle.js';
import { check } from './settings.js';
import { multisetOf, sequencesOf, textOf } from './text.js';
import { inWorld } from './worlds.js';

const shardCounts = [1, 3, 8];
const chunks = fc.integer({ min: 1, max: 12 });

/** Ends behind an epoch, so that each incarnation has something to take over. */
const rescales = fc.array(
  fc.oneof(
    fc.record({
      point: fc.constantFrom('epoch.committed' as const, 'epoch.cleaned' as const),
      visit: fc.integer({ min: 1, max: 3 }),
    }),
    stops,
  ),
  { minLength: 1, maxLength: 3 },
);

describe('parallelism equivalence', () => {
  check(
    'one split and one step with state: stragglers and the order within a key included',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true, maxStateful: 1, connects: false }),
      chunks,
      async ({ description, items }, chunk) => {
        const expected = oracleOf(description, items).items;
        for (const parallelism of shardCounts) {
          const output = await inJob(description, [[items]], { parallelism, chunk });
          expect(multisetOf(output.items)).toEqual(multisetOf(expected));
          if (isOrderedByKey(description))
            expect(sequencesOf(output.items)).toEqual(sequencesOf(expected));
        }
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );

  check(
    'several splits and steps with state',
    fc.asyncProperty(splitCases(3), chunks, async ({ description, arrays }, chunk) => {
      const expected = multisetOf(batchOracle(description, arrays.flat()));
      for (const parallelism of shardCounts) {
        const { items } = await inJob(description, [arrays], { parallelism, chunk });
        expect(multisetOf(items)).toEqual(expected);
      }
    }),
    { runs: 120, timeoutMs: 60_000 },
  );

  check(
    'two inputs',
    fc.asyncProperty(
      meetings({ kind: 'steady', stragglers: false }),
      chunks,
      async ({ description, first, second }, chunk) => {
        const expected = multisetOf(batchOracle(description, first, second));
        for (const parallelism of shardCounts) {
          const output = await inJob(description, [[first], [second]], { parallelism, chunk });
          expect(multisetOf(output.items)).toEqual(expected);
        }
      },
    ),
    { runs: 120, timeoutMs: 60_000 },
  );

  check(
    'a restart with another number of shards',
    fc.asyncProperty(
      cases({ kind: 'steady', stragglers: false }),
      rescales,
      fc.array(fc.constantFrom(1, 2, 3, 8), { minLength: 2, maxLength: 4 }),
      fc.nat(),
      async ({ description, items }, deaths, shards, seed) => {
        const options = { deaths, shards, seed, records: 4, chunk: 3 };
        const { lines } = await inWorld(description, [[items]], options);
        const expected = batchOracle(description, items).map(textOf).toSorted();
        expect([...lines].toSorted()).toEqual(expected);
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );
});
