/**
 * Law 5: for every schedule of crashes the committed output equals the output of the run without crashes.
 *
 * Family: metamorphic (crash it) and the oracle, in a world that loses what was not synced. It can see state, timers,
 * watermarks or positions that are not in the commit; outputs that are published before it, twice, or never; a rename
 * without a sync; a slab that is referred to before it is on disk, or removed while it is.
 */
import fc from 'fast-check';
import { crashPoints, type CrashPoint } from 'tidemark';
import { afterAll, describe, expect } from 'vitest';
import { cases, clockedCases, meetings, splitCases } from './cases.js';
import { batchOracle } from './batch.js';
import {
  deaths,
  faults,
  lateDeaths,
  namedDeaths,
  shardCounts,
  shardsFor,
  unnamedDeaths,
} from './deaths.js';
import type { Description, Item, ProcessStep, Step } from './description.js';
import { inSequence } from './logs.js';
import { inHarness, type Interruption } from './modes.js';
import { oracle, oracleOf } from './oracle.js';
import { check, readSettings } from './settings.js';
import { multisetOf, textOf } from './text.js';
import type { WindowStep } from './window-step.js';
import { inWorld, type Lived } from './worlds.js';

/** Attempts after a failure, over the whole run. */
let restarted = 0;

/** Where lives have ended, over the whole run. */
const reached = new Set<CrashPoint>();

const sizes = fc.record({
  records: fc.integer({ min: 1, max: 12 }),
  chunk: fc.integer({ min: 1, max: 6 }),
  // With more waits there are more epochs, some of them without outputs, and slabs are merged.
  waits: fc.constantFrom(1, 1, 8),
  // With nearly nothing every key leaves the heap as soon as it is committed.
  memory: fc.constantFrom(undefined, 1, 2000),
  seed: fc.nat(),
});

describe('crash equivalence', () => {
  check(
    'one split, with stragglers, deaths at named awaits',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true }),
      fc.array(namedDeaths, { minLength: 1, maxLength: 4 }),
      shardCounts,
      sizes,
      async ({ description, items }, planned, counts, size) => {
        const shards = shardsFor(description, counts);
        const lived = await inWorld(description, [[items]], { ...size, deaths: planned, shards });
        note(lived);
        expectLines(lived, oracleOf(description, items).items);
      },
    ),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'one split, with stragglers, deaths between any two calls of the world',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true }),
      fc.array(unnamedDeaths, { minLength: 1, maxLength: 5 }),
      shardCounts,
      sizes,
      async ({ description, items }, planned, counts, size) => {
        const shards = shardsFor(description, counts);
        const lived = await inWorld(description, [[items]], { ...size, deaths: planned, shards });
        expectLines(lived, oracleOf(description, items).items);
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'one split, with stragglers, files and disk that fail, restarts within the run',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true }),
      faults,
      shardCounts,
      sizes,
      async ({ description, items }, planned, counts, size) => {
        const options = { ...size, deaths: [planned], shards: shardsFor(description, counts) };
        const lived = await inWorld(description, [[items]], options);
        expect(lived.incarnations).toBe(1);
        restarted += lived.restarts;
        expectLines(lived, oracleOf(description, items).items);
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );

  check(
    'several splits and shards',
    fc.asyncProperty(
      splitCases(3),
      fc.array(deaths, { minLength: 1, maxLength: 4 }),
      fc.array(fc.constantFrom(1, 2, 3), { minLength: 1, maxLength: 3 }),
      sizes,
      async ({ description, arrays }, planned, shards, size) => {
        const lived = await inWorld(description, [arrays], { ...size, deaths: planned, shards });
        note(lived);
        expectLines(lived, batchOracle(description, arrays.flat()));
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );

  check(
    'splits that begin late, when others have ended',
    fc.asyncProperty(
      splitCases(4),
      fc.array(deaths, { maxLength: 3 }),
      shardCounts,
      fc.constantFrom(1, 2),
      sizes,
      async ({ description, arrays }, planned, shards, openMax, size) => {
        const splits = inSequence(arrays);
        const options = { ...size, deaths: planned, shards, openMax };
        const lived = await inWorld(description, [splits], options);
        expectLines(lived, batchOracle(description, splits.flat()));
      },
    ),
    { runs: 60, timeoutMs: 60_000 },
  );

  check(
    'two inputs',
    fc.asyncProperty(
      meetings({ kind: 'steady', stragglers: false }),
      fc.array(deaths, { minLength: 1, maxLength: 4 }),
      shardCounts,
      sizes,
      async ({ description, first, second }, planned, shards, size) => {
        const options = { ...size, deaths: planned, shards };
        const lived = await inWorld(description, [[first], [second]], options);
        expectLines(lived, batchOracle(description, first, second));
      },
    ),
    { runs: 100, timeoutMs: 60_000 },
  );

  check(
    'a hot key over many epochs, until its slabs are merged',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true, maxStateful: 1, minLength: 30 }),
      fc.array(lateDeaths, { minLength: 1, maxLength: 4 }),
      shardCounts,
      fc.nat(),
      async ({ description: drawn, items: others }, planned, counts, seed) => {
        const steps = drawn.steps.map((step) => ('by' in step ? { ...step, by: 'key' } : step));
        const description = { ...drawn, steps: steps as Step[] };
        const items = others.map((item) => ({ ...item, key: 'hot' }));
        const shards = shardsFor(description, counts);
        const options = { seed, deaths: planned, shards, records: 1, chunk: 1, waits: 8 };
        expectLines(
          await inWorld(description, [[items]], options),
          oracleOf(description, items).items,
        );
      },
    ),
    { runs: 80, timeoutMs: 60_000 },
  );

  check(
    'one watermark that fires more than a slice of work',
    fc.asyncProperty(
      fc.integer({ min: 1000, max: 2500 }),
      fc.constantFrom(...crowdSteps),
      fc.array(deaths, { maxLength: 2 }),
      fc.array(fc.constantFrom(1, 3), { minLength: 1, maxLength: 3 }),
      fc.nat(),
      async (keyCount, step, planned, shards, seed) => {
        const items = crowd(keyCount);
        const time = { generator: 'bounded', bound: 0, every: 200 } as const;
        const description: Description = { inputs: 1, time, sides: false, steps: [step] };
        const options = { seed, deaths: planned, shards, records: 700, chunk: 300 };
        expectLines(
          await inWorld(description, [[items]], options),
          items.map((item) => crowdResult(step, item)),
        );
      },
    ),
    { runs: 15, timeoutMs: 60_000 },
  );

  check(
    'in the harness, element by element and tick by tick',
    fc.property(
      clockedCases({ stragglers: true }),
      fc.array(fc.constantFrom<Interruption[]>('none', 'none', 'checkpoint', 'crash', 'restore'), {
        maxLength: 60,
        size: 'max',
      }),
      ({ description, happenings }, interruptions) => {
        const outputs = inHarness(description, happenings, interruptions);
        const { stream } = oracle(description, happenings);
        for (const [index, { elements }] of stream.entries()) {
          const due = elements.map(({ item }) => item);
          expect(multisetOf(outputs[index] ?? []), `happening ${index}`).toEqual(multisetOf(due));
        }
      },
    ),
    { runs: 500, timeoutMs: 60_000 },
  );

  afterAll(() => {
    // One case that is replayed, or a handful of them, cannot be everywhere.
    const { path, runsFactor } = readSettings(process.env);
    if (path !== undefined || runsFactor < 1) return;
    expect([...reached].toSorted()).toEqual([...crashPoints].toSorted());
    expect(restarted).toBeGreaterThan(0);
  });
});

function note({ endings }: Lived): void {
  for (const point of endings) reached.add(point);
}

function expectLines({ lines, hidden }: Lived, items: readonly unknown[]): void {
  expect(hidden).toEqual([]);
  expect([...lines].toSorted()).toEqual(items.map(textOf).toSorted());
}

const crowdSteps: readonly (WindowStep | ProcessStep)[] = [
  {
    step: 'window',
    by: 'key',
    span: { kind: 'aligned', size: 10, slide: 10, offset: 0 },
    time: 'event',
    lateness: 0,
    aggregate: 'gather',
  },
  { step: 'process', by: 'key', behaviour: 'quiet', gap: 5 },
];

/** One element per key at one time, and one far behind them that fires them all. */
function crowd(keyCount: number): Item[] {
  return Array.from({ length: keyCount }, (_, id) => {
    const at = id === keyCount - 1 ? 1000 : 0;
    return { key: `key ${id}`, n: id, at, ids: [id] };
  });
}

function crowdResult({ step }: WindowStep | ProcessStep, { key, n, at, ids }: Item): Item {
  return step === 'window'
    ? { key, n, at: at + 9, ids, start: at }
    : { key, n: 1, at: at + 5, ids };
}
