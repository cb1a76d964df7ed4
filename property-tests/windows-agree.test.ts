/**
 * Laws 2 and 5 for the engines behind `window`: slices, running sessions, running totals and the general operator say
 * the same.
 *
 * Family: differential. It can see a slice that a window leaves out or takes twice, a total from which something is
 * subtracted that was never in it, a session that is forgotten in its bucket, and any of that behind a restore, where
 * buckets and totals are made anew.
 */
import fc from 'fast-check';
import { keyBy, pipeline, unchecked, window, type Aggregator, type Key } from 'tidemark';
import { testHarness } from 'tidemark/testing';
import { describe, expect } from 'vitest';
import { triggeredWindow } from '../src/dsl/window.js';
import { aggregatorOf } from './aggregates.js';
import { times } from './arbitraries.js';
import { cases, type Case } from './cases.js';
import { withTime } from './build.js';
import { itemOf, specOf, type BareResult } from './build-window.js';
import { isOrderedByKey } from './traits.js';
import { keyChoice, type Description, type Item } from './description.js';
import { logs } from './logs.js';
import { harnessOf, interrupt, type Interruption } from './modes.js';
import { check } from './settings.js';
import { multisetOf, sequencesOf } from './text.js';
import { alignedSpans, latenesses, plainWindows } from './window-arbitraries.js';
import type { WindowStep } from './window-step.js';

const interruptions = fc.array(
  fc.constantFrom<Interruption[]>('none', 'none', 'none', 'none', 'checkpoint', 'crash', 'restore'),
  { maxLength: 45, size: 'max' },
);

/** A window by itself. */
const windowCases: fc.Arbitrary<Case> = fc
  .record({ step: plainWindows.filter(({ by }) => by !== 'all'), time: times })
  .chain(({ step, time }) => {
    const description: Description = { inputs: 1, time, sides: false, steps: [step] };
    return logs({ bound: time.bound, stragglers: true, maxLength: 45 }).map((items) => ({
      description,
      items,
    }));
  });

describe('windows agree', () => {
  check(
    'slices and running sessions with the general operator, element by element',
    fc.property(windowCases, interruptions, ({ description, items }, interrupted) => {
      const [fast, general] = both(description, items, interrupted);
      expect(fast).toEqual(general);
    }),
    { runs: 500, timeoutMs: 60_000 },
  );

  check(
    'in random pipelines, whatever stands around them',
    fc.property(
      cases({ kind: 'ordered', stragglers: true }).filter(({ description: { steps } }) =>
        steps.some(({ step }) => step === 'window'),
      ),
      interruptions,
      ({ description, items }, interrupted) => {
        const [fast, general] = both(description, items, interrupted);
        expect(fast).toEqual(general);
      },
    ),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'running totals with sums that are made anew, also beyond what a double holds',
    fc.property(totalCases(), interruptions, ({ step, items, time }, interrupted) => {
      const aggregator = aggregatorOf(step.aggregate);
      const [total, anew] = [aggregator, { ...aggregator, subtract: undefined }].map((one) =>
        resultsOf(one as typeof aggregator, { step, items, time }, interrupted),
      );
      expect(total).toEqual(anew);
    }),
    { runs: 400, timeoutMs: 60_000 },
  );
});

/** What comes out at each element, is late, and is counted: by the fastest operators, and by the general one. */
function both(
  description: Description,
  items: readonly Item[],
  interrupted: readonly Interruption[],
) {
  return [{}, { verb: triggeredWindow }].map((options) => {
    const harness = harnessOf(description, options);
    const moments: string[][] = [];
    const feed = (work: () => void): void => {
      const before = harness.output().length;
      work();
      moments.push(multisetOf(harness.output().slice(before)));
    };
    for (const [index, item] of items.entries()) {
      interrupt(harness, interrupted[index]);
      feed(() => harness.push(item));
    }
    const late = harness.late();
    const counters = interrupted.length === 0 ? harness.counters() : {};
    feed(() => harness.end());
    const sequences = isOrderedByKey(description) ? sequencesOf(harness.output()) : {};
    return { moments, late, counters, sequences };
  });
}

interface TotalCase {
  readonly step: WindowStep;
  readonly time: Description['time'];
  readonly items: readonly Item[];
}

/** Aggregates that can be taken out again, over windows of many slices, and numbers of all sizes. */
function totalCases(): fc.Arbitrary<TotalCase> {
  return fc
    .record({
      time: times,
      span: alignedSpans,
      lateness: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, latenesses),
      aggregate: fc.constantFrom('count', 'whole', 'wholeAverage', 'both'),
      scale: fc.constantFrom(1, 2 ** 40, Math.floor(Number.MAX_SAFE_INTEGER / 9)),
    })
    .chain(({ time, span, lateness, aggregate, scale }) =>
      logs({ bound: time.bound, stragglers: true, maxLength: 45 }).map((items) => ({
        time,
        step: { step: 'window', by: 'key', span, time: 'event', lateness, aggregate },
        items: items.map((item) => ({ ...item, n: item.n * scale })),
      })),
    );
}

function resultsOf<Accumulator>(
  aggregator: Aggregator<Item, Accumulator, BareResult['value']>,
  { step, time, items }: TotalCase,
  interrupted: readonly Interruption[],
): Record<string, string[]> {
  const harness = testHarness(
    pipeline('totals', unchecked<Item>(), (input) =>
      withTime(input, { time }).pipe(
        keyBy<Item, Key>(keyChoice(step.by)),
        window(specOf(step), aggregator, {
          uid: 'totals',
          allowedLateness: step.lateness,
          ...(step.lateness === Infinity ? { unbounded: true } : {}),
        }),
      ),
    ),
  );
  for (const [index, item] of items.entries()) {
    interrupt(harness, interrupted[index]);
    harness.push(item);
  }
  harness.end();
  return sequencesOf(harness.output().map(itemOf));
}
