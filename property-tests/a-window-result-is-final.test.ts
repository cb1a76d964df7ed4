/**
 * Law 2: one result per key and window, with the timestamp `end - 1`, before the watermark passes it; where lateness
 * is allowed, one more for each late element that a window still takes.
 *
 * Family: oracle, compared at each single element, and an observer behind the window. It can see a window that fires
 * a millisecond early or late, twice, or never again; an element that is dropped although one of its windows is open;
 * a result behind the watermark; an element counted in a window that it does not belong to.
 */
import fc from 'fast-check';
import { Subject } from 'rxjs';
import { eventTime, keyBy, pipeline, unchecked, window } from 'tidemark';
import { testHarness } from 'tidemark/testing';
import { describe, expect } from 'vitest';
import { bounds, cases, meetings, windowSteps } from './arbitraries.js';
import { aggregatorOf } from './aggregates.js';
import { build, buildWithLate, specOf } from './build.js';
import { keyChoices, leavesNothing, rankNames, uidOfStep } from './description.js';
import type { Description, Item, TopKStep, WindowStep } from './description.js';
import { logs } from './logs.js';
import { inLibrary } from './modes.js';
import { isOrderedByKey, oracle, oracleOf } from './oracle.js';
import { inOrder, interleaved } from './oracle-stream.js';
import { probe, type Seen } from './probe.js';
import { check } from './settings.js';
import { multisetOf, sequencesOf, textOf } from './text.js';

interface Windowing {
  readonly bound: number;
  readonly every: number;
  readonly step: WindowStep;
  readonly items: readonly Item[];
}

const windowings: fc.Arbitrary<Windowing> = fc
  .record({
    bound: bounds,
    every: fc.constantFrom(0, 1, 7, 10, 50, 200),
    step: windowSteps,
  })
  .chain((drawn) =>
    logs({ bound: drawn.bound, stragglers: true }).map((items) => ({ ...drawn, items })),
  );

describe('a window result is final', () => {
  check(
    'each result comes out with the element that completes it',
    fc.property(cases({ steady: false, stragglers: true }), ({ description, items }) => {
      const outputs = inLibrary(description, inOrder(items));
      const { stream, items: expected } = oracleOf(description, items);
      for (const [index, { elements }] of stream.entries()) {
        const due = elements.map(({ item }) => item);
        expect(multisetOf(outputs[index] ?? []), `happening ${index}`).toEqual(multisetOf(due));
      }
      if (isOrderedByKey(description))
        expect(sequencesOf(outputs.flat())).toEqual(sequencesOf(expected));
    }),
    { runs: 600, timeoutMs: 60_000 },
  );

  check(
    'also behind two inputs, whose watermark is the lower one',
    fc.property(meetings({ steady: false, stragglers: true }), (meeting) => {
      const { description, first, second, turns } = meeting;
      const happenings = interleaved(inOrder(first, 0), inOrder(second, 1), turns);
      const outputs = inLibrary(description, happenings);
      const { stream } = oracle(description, happenings);
      for (const [index, { elements }] of stream.entries()) {
        const due = elements.map(({ item }) => item);
        expect(multisetOf(outputs[index] ?? []), `happening ${index}`).toEqual(multisetOf(due));
      }
    }),
    { runs: 600, timeoutMs: 60_000 },
  );

  check(
    'who is too late for all windows comes out at the side, at once',
    fc.property(windowings, ({ items, step, ...generator }) => {
      const input = new Subject<Item>();
      const run = buildWithLate(generator, step).connect({ input });
      const late: Item[] = [];
      run.outputs.late.subscribe((item) => late.push(item));
      run.start();
      for (const item of items) input.next(item);
      input.complete();
      const expected = oracleOf({ ...generator, inputs: 1, steps: [step] }, items);
      const judged = expected.late.get(uidOfStep(0)) ?? [];
      expect(late.map(textOf)).toEqual(judged.map(({ item }) => textOf(item)));
    }),
    { runs: 400, timeoutMs: 60_000 },
  );

  check(
    'without lateness there is one result per key and window, and the watermark follows it',
    fc.property(windowings, ({ items, step, ...generator }) => {
      const seen = observed({ items, ...generator, step: { ...step, lateness: 0 } });
      const results: string[] = [];
      let watermark = -Infinity;
      for (const sight of seen) {
        if ('watermark' in sight) {
          expect(sight.watermark).toBeGreaterThan(watermark);
          watermark = sight.watermark;
          continue;
        }
        const { key, window: span } = sight.element as Result;
        expect(sight.timestamp).toBe(span.end - 1);
        expect(sight.timestamp).toBeGreaterThan(watermark);
        results.push(textOf([key, span.start, span.end]));
      }
      expect(new Set(results).size).toBe(results.length);
    }),
    { runs: 400, timeoutMs: 60_000 },
  );

  check(
    'and nothing stays behind it, no state and no timer',
    fc.property(
      cases({ steady: false, stragglers: true }),
      fc.array(fc.constantFrom('none', 'checkpoint', 'crash'), { maxLength: 40, size: 'max' }),
      ({ description, items }, interruptions) => {
        fc.pre(description.steps.every(leavesNothing));
        const harness = testHarness(build(description));
        for (const [index, item] of items.entries()) {
          harness.push(item);
          if (interruptions[index] === 'checkpoint') harness.checkpoint();
          if (interruptions[index] === 'crash') harness.crash();
        }
        harness.end();
        harness.restore(harness.checkpoint());
        const left = { keys: harness.stateSize(), timers: harness.timers() };
        expect(left).toEqual({ keys: 0, timers: 0 });
      },
    ),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'a ranking of window results holds each name once',
    fc.property(windowings, fc.constantFrom('text', 'number'), ({ items, step, ...rest }, name) => {
      const topK: TopKStep = { step: 'topK', k: 3, name, isDirect: true };
      const description: Description = { ...rest, inputs: 1, steps: [step, topK] };
      for (const { top = [] } of inLibrary(description, inOrder(items)).flat()) {
        const names = top.map(rankNames[name]);
        expect(new Set(names).size).toBe(names.length);
      }
    }),
    { runs: 200, timeoutMs: 60_000 },
  );
});

interface Result {
  readonly key: unknown;
  readonly window: { readonly start: number; readonly end: number };
}

/** What passes behind a window, in its order. */
function observed({ bound, every, step, items }: Windowing): Seen[] {
  const seen: Seen[] = [];
  const windowed = pipeline('observed', unchecked<Item>(), (input) =>
    input.pipe(
      eventTime({ timestamp: ({ at }) => at, outOfOrderness: bound, every }),
      keyBy(keyChoices[step.by]),
      window(specOf(step.shape), aggregatorOf(step.aggregate), {
        uid: 'windows',
        allowedLateness: step.lateness,
      }),
      probe((sight) => seen.push(sight)),
    ),
  );
  const input = new Subject<Item>();
  input.pipe(windowed).subscribe();
  for (const item of items) input.next(item);
  input.complete();
  return seen;
}
