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
import { keyBy, pipeline, unchecked, window } from 'tidemark';
import type { Key } from 'tidemark';
import { describe, expect } from 'vitest';
import { times } from './arbitraries.js';
import { cases, clockedCases, meetings } from './cases.js';
import { aggregatorOf } from './aggregates.js';
import { withTime } from './build.js';
import { specOf, windowed, type BareResult } from './build-window.js';
import { isOrderedByKey, leavesNothing } from './traits.js';
import {
  keyChoice,
  rankNames,
  sideOf,
  uidOfStep,
  type Description,
  type Item,
  type TimeChoice,
  type TopKStep,
} from './description.js';
import { logs } from './logs.js';
import { harnessOf, inHarness, inLibrary } from './modes.js';
import { oracle, oracleOf, type Expected } from './oracle.js';
import { inOrder, interleaved } from './oracle-stream.js';
import { probe, type Seen } from './probe.js';
import { check } from './settings.js';
import { multisetOf, sequencesOf, textOf } from './text.js';
import { plainWindows } from './window-arbitraries.js';
import type { WindowStep } from './window-step.js';

interface Windowing {
  readonly time: TimeChoice;
  readonly step: WindowStep;
  readonly items: readonly Item[];
}

const windowings: fc.Arbitrary<Windowing> = fc
  .record({ time: times, step: plainWindows })
  .chain((drawn) =>
    logs({ bound: drawn.time.bound, stragglers: true }).map((items) => ({ ...drawn, items })),
  );

describe('a window result is final', () => {
  check(
    'each result comes out with the element that completes it',
    fc.property(cases({ kind: 'ordered', stragglers: true }), ({ description, items }) => {
      const outputs = inLibrary(description, inOrder(items));
      const expected = oracleOf(description, items);
      expectMoments(outputs, expected);
      if (isOrderedByKey(description))
        expect(sequencesOf(outputs.flat())).toEqual(sequencesOf(expected.items));
    }),
    { runs: 1200, timeoutMs: 60_000 },
  );

  check(
    'or at the tick of the clock that it waits for',
    fc.property(
      clockedCases({ stragglers: true, periodic: true }),
      ({ description, happenings }) => {
        expectMoments(inHarness(description, happenings), oracle(description, happenings));
      },
    ),
    { runs: 600, timeoutMs: 60_000 },
  );

  check(
    'also behind two inputs, whose watermark is the lower one',
    fc.property(meetings({ kind: 'ordered', stragglers: true }), (meeting) => {
      const { description, first, second, turns } = meeting;
      const happenings = interleaved(inOrder(first, 0), inOrder(second, 1), turns);
      expectMoments(inLibrary(description, happenings), oracle(description, happenings));
    }),
    { runs: 500, timeoutMs: 60_000 },
  );

  check(
    'who is too late for all windows comes out at the side, at once',
    fc.property(windowings, ({ time, step, items }) => {
      const input = new Subject<Item>();
      const run = withLate(time, step).connect({ input });
      const late: Item[] = [];
      run.outputs.late.subscribe((item) => late.push(item));
      run.start();
      for (const item of items) input.next(item);
      input.complete();
      const description: Description = { inputs: 1, time, sides: false, steps: [step] };
      const judged = oracleOf(description, items).late.get(uidOfStep(0)) ?? [];
      expect(late.map(textOf)).toEqual(judged.map(({ item }) => textOf(item)));
    }),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'without lateness there is one result per key and window, in time order, and the watermark follows it',
    fc.property(windowings, (drawn) => {
      const seen = observed({ ...drawn, step: { ...drawn.step, lateness: 0 } });
      const results: string[] = [];
      let [watermark, last] = [-Infinity, -Infinity];
      for (const sight of seen) {
        if ('watermark' in sight) {
          expect(sight.watermark).toBeGreaterThan(watermark);
          watermark = sight.watermark;
          continue;
        }
        const { key, window: span } = sight.element as BareResult;
        expect(sight.timestamp).toBe(span.end - 1);
        expect(sight.timestamp).toBeGreaterThan(watermark);
        expect(sight.timestamp).toBeGreaterThanOrEqual(last);
        last = sight.timestamp;
        results.push(textOf([key, span.start, span.end]));
      }
      expect(new Set(results).size).toBe(results.length);
    }),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'and nothing stays behind it, no state and no timer',
    fc.property(
      cases({ kind: 'ordered', stragglers: true }),
      fc.array(fc.constantFrom('none', 'checkpoint', 'crash'), { maxLength: 40, size: 'max' }),
      ({ description, items }, interruptions) => {
        fc.pre(description.steps.every(leavesNothing));
        const harness = harnessOf(description);
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
    fc.property(
      windowings,
      fc.constantFrom('text' as const, 'number' as const),
      ({ items, step, time }, name) => {
        const topK: TopKStep = { step: 'topK', k: 3, name, isDirect: true };
        const description: Description = { time, inputs: 1, sides: false, steps: [step, topK] };
        for (const { top = [] } of inLibrary(description, inOrder(items)).flat()) {
          const names = top.map(rankNames[name]);
          expect(new Set(names).size).toBe(names.length);
        }
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );
});

function expectMoments(
  outputs: readonly (readonly Item[])[],
  { stream }: Pick<Expected, 'stream'>,
): void {
  for (const [index, { elements }] of stream.entries()) {
    const due = elements.map(({ item }) => item);
    expect(multisetOf(outputs[index] ?? []), `happening ${index}`).toEqual(multisetOf(due));
  }
}

/** A pipeline whose only step is a window, with its late elements as a second output. */
function withLate(time: TimeChoice, step: WindowStep) {
  return pipeline('described', unchecked<Item>(), (input) => {
    const { items, late } = windowed(withTime(input, { time }), step, uidOfStep(0));
    if (late === undefined) throw new Error(`no side output ${sideOf(uidOfStep(0), 'late')}`);
    return { output: items, late };
  });
}

/** What passes behind a window, in its order. */
function observed({ time, step, items }: Windowing): Seen[] {
  const seen: Seen[] = [];
  const described = pipeline('observed', unchecked<Item>(), (input) =>
    withTime(input, { time }).pipe(
      keyBy<Item, Key>(keyChoice(step.by)),
      window(specOf(step), aggregatorOf(step.aggregate), { uid: 'windows' }),
      probe((sight) => seen.push(sight)),
    ),
  );
  const input = new Subject<Item>();
  input.pipe(described).subscribe();
  for (const item of items) input.next(item);
  input.complete();
  return seen;
}
