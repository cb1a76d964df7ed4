/**
 * Law 9: the same input, seed and clock give the same bytes. For one split the boundaries of chunks change nothing, for
 * several nothing but the order.
 *
 * Family: metamorphic (run it again; cut the input elsewhere). It can see chance or wall-clock time that came in
 * through a back door, an order that hangs on a hash or on an address, and a watermark that is made per chunk.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { cases, splitCases } from './cases.js';
import { batchOracle } from './batch.js';
import { deaths } from './deaths.js';
import { harnessOf, inJob, inLibrary } from './modes.js';
import { inOrder } from './oracle-stream.js';
import { check } from './settings.js';
import { multisetOf, textOf } from './text.js';
import { inWorld } from './worlds.js';

describe('replay is identical', () => {
  check(
    'the same bytes in the same files, whatever the pipeline sees of the clock, deaths included',
    fc.asyncProperty(
      splitCases(3, { kind: 'clocked', stragglers: true, periodic: true }),
      fc.array(deaths, { maxLength: 2 }),
      fc.constantFrom(1, 3),
      fc.nat(),
      async ({ description, arrays }, planned, parallelism, seed) => {
        const options = { deaths: planned, seed, parallelism, records: 5, chunk: 3 };
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
        const expected = inLibrary(description, inOrder(items)).flat().map(textOf);
        const whole = await inJob(description, [[items]], { chunk: 1024 });
        const cut = await inJob(description, [[items]], { chunk, records: 3 });
        expect(whole.items.map(textOf)).toEqual(expected);
        expect(cut.items.map(textOf)).toEqual(expected);
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
        expect(chunked.output().map(textOf)).toEqual(single.output().map(textOf));
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
