/**
 * Law 9: the same input, seed and clock give the same bytes. For one split the boundaries of chunks change nothing, for
 * several nothing but the order.
 *
 * Family: metamorphic (run it again; cut the input elsewhere). It can see chance or wall-clock time that came in
 * through a back door, an order that hangs on a hash or on an address, and a watermark that is made per chunk.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { atOnce } from './async-step.js';
import { cases, splitCases } from './cases.js';
import { batchOracle } from './batch.js';
import { deaths, shardCounts } from './deaths.js';
import { harnessOf, inJob, inLibrary } from './modes.js';
import type { Description, Item } from './description.js';
import { inOrder } from './oracle-stream.js';
import { check } from './settings.js';
import { isOrderRepeatable } from './traits.js';
import { multisetOf, textOf } from './text.js';
import { inWorld } from './worlds.js';

describe('replay is identical', () => {
  check(
    'the same bytes in the same files, whatever the pipeline sees of the clock, deaths included',
    fc.asyncProperty(
      splitCases(3, { kind: 'clocked', stragglers: true, periodic: true }),
      fc.array(deaths, { maxLength: 2 }),
      shardCounts,
      fc.nat(),
      async ({ description, arrays }, planned, shards, seed) => {
        const options = { deaths: planned, seed, shards, records: 5, chunk: 3 };
        const first = await inWorld(description, [arrays], options);
        const second = await inWorld(description, [arrays], options);
        expect(second.files).toEqual(first.files);
        expect(second.summary).toEqual(first.summary);
      },
    ),
    { runs: 80, timeoutMs: 60_000 },
  );

  check(
    'one split: chunks do not show, not even in the order of outputs',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true }),
      fc.integer({ min: 1, max: 12 }),
      async ({ description, items }, chunk) => {
        const library = inLibrary(description, inOrder(items)).flat();
        const expected = linesOf(description, library);
        // Who is waited for leaves behind those that took another way.
        const answering = atOnce;
        const whole = await inJob(description, [[items]], { chunk: 1024, answering });
        const cut = await inJob(description, [[items]], { chunk, records: 3, answering });
        expect(linesOf(description, whole.items)).toEqual(expected);
        expect(linesOf(description, cut.items)).toEqual(expected);
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'one split: a chunk pushed into the harness is its elements pushed one by one',
    fc.property(
      cases({ kind: 'ordered', stragglers: true }),
      fc.integer({ min: 1, max: 12 }),
      ({ description, items }, size) => {
        const [one, many] = [harnessOf(description), harnessOf(description)];
        for (const item of items) one.push(item);
        for (let at = 0; at < items.length; at += size) many.pushChunk(items.slice(at, at + size));
        const [single, chunked] = [one.end(), many.end()];
        expect(linesOf(description, chunked.output())).toEqual(
          linesOf(description, single.output()),
        );
        expect(chunked.late()).toEqual(single.late());
        expect(chunked.counters()).toEqual(single.counters());
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'several splits: chunks change nothing but the order',
    fc.asyncProperty(
      splitCases(3),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(1, 3),
      async ({ description, arrays }, chunk, parallelism) => {
        const whole = await inJob(description, [arrays], { chunk: 1024, parallelism });
        const cut = await inJob(description, [arrays], { chunk, parallelism });
        batchOracle(description, arrays.flat());
        expect(multisetOf(cut.items)).toEqual(multisetOf(whole.items));
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );
});

/** The outputs in their order, where that is part of the promise. */
function linesOf(description: Description, items: readonly Item[]): string[] {
  const lines = items.map(textOf);
  return isOrderRepeatable(description) ? lines : lines.toSorted();
}
