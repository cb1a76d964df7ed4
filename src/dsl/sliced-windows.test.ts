import { describe, expect, test } from 'vitest';
import {
  count,
  eventTime,
  keyBy,
  outputTag,
  pipeline,
  sliding,
  tumbling,
  unchecked,
  window,
  type Pipeline,
  type WindowResult,
} from '../index.js';
import { testHarness, type TestHarness } from '../testing/index.js';
import type { AlignedWindows } from '../time/windows.js';

type Result = WindowResult<string, number>;

const late = outputTag<number>('late');

describe('allowed lateness of tumbling windows, after WindowOperatorTest#testLateness', () => {
  const spec = tumbling({ size: 2000 });

  test('each late element gives a new result of the whole window at once', () => {
    const t = harness(spec, 500);
    t.push(500).watermark(1500).push(1300).watermark(2300);
    expect(seen(t)).toEqual(['[0,2000) 2']);
    t.push(1997);
    t.push(1998);
    expect(seen(t)).toEqual(['[0,2000) 2', '[0,2000) 3', '[0,2000) 4']);
    expect(t.records().every(({ timestamp }) => timestamp === 1999)).toBe(true);
    t.watermark(6000).push(1998);
    expect(seen(t).length).toBe(3);
    expect(t.side(late)).toEqual([1998]);
  });

  test('the last moment is one before end - 1 + lateness', () => {
    const open = harness(spec, 500);
    open.push(1).watermark(2498).push(2);
    expect(seen(open)).toEqual(['[0,2000) 1', '[0,2000) 2']);
    const shut = harness(spec, 500);
    shut.push(1).watermark(2499).push(2);
    expect(seen(shut)).toEqual(['[0,2000) 1']);
    expect(shut.side(late)).toEqual([2]);
  });

  test('a window that nobody has opened in time is opened late', () => {
    const t = harness(spec, 500);
    t.watermark(2100).push(100);
    expect(seen(t)).toEqual(['[0,2000) 1']);
    t.push(200);
    expect(seen(t)).toEqual(['[0,2000) 1', '[0,2000) 2']);
  });

  test('state stays until the lateness is over, and not longer', () => {
    const t = harness(spec, 500);
    t.push(1).watermark(2498);
    expect(t.stateSize()).toBe(1);
    t.watermark(2499);
    expect(t.state('w', 'k')).toEqual([]);
    // The slot of a key lingers for one slide, because most keys come back at once.
    t.watermark(2499 + 2000);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
    expect(seen(t)).toEqual(['[0,2000) 1']);
  });

  test('what was late but allowed stays so after a crash', () => {
    const t = harness(spec, 500);
    t.push(1).watermark(2300).checkpoint();
    t.restore().push(2);
    t.checkpoint();
    t.crash().push(3);
    t.watermark(2499).checkpoint();
    t.restore().push(4);
    expect(seen(t)).toEqual(['[0,2000) 1', '[0,2000) 2', '[0,2000) 3']);
    expect(t.side(late)).toEqual([4]);
    expect(t.watermark(2499 + 2000).stateSize()).toBe(0);
  });

  test('at the end of the input a late element is no longer allowed', () => {
    const t = harness(spec, 500);
    t.push(1).end();
    expect(seen(t)).toEqual(['[0,2000) 1']);
    expect(t.stateSize()).toBe(0);
  });
});

describe('sliding windows, after WindowOperatorTest#testSideOutputDueToLatenessSliding', () => {
  const spec = sliding({ size: 3000, slide: 1000 });

  test('an element counts in the windows that are still open', () => {
    const t = harness(spec, 0);
    t.push(1000).watermark(1999);
    expect(seen(t)).toEqual(['[-1000,2000) 1']);
    t.push(2000).watermark(3000);
    expect(seen(t).slice(1)).toEqual(['[0,3000) 2']);
    // [1000, 4000) is open, the two earlier windows of this element have been told.
    t.push(1500);
    expect(seen(t).length).toBe(2);
    t.watermark(3999);
    expect(seen(t).slice(2)).toEqual(['[1000,4000) 3']);
    t.push(1500);
    expect(t.side(late)).toEqual([1500]);
  });

  test('with lateness only the windows that have fired and are allowed say something new', () => {
    const t = harness(spec, 500);
    t.push(1000).watermark(3200);
    expect(seen(t)).toEqual(['[-1000,2000) 1', '[0,3000) 1']);
    // [-1000, 2000) is beyond its lateness, [0, 3000) is not, [1000, 4000) has not fired.
    t.push(1001);
    expect(seen(t).slice(2)).toEqual(['[0,3000) 2']);
    t.watermark(3999);
    expect(seen(t).slice(3)).toEqual(['[1000,4000) 2']);
  });
});

describe.each([
  [tumbling({ size: 4 }), 0],
  [tumbling({ size: 4 }), 3],
  [tumbling({ size: 4, offset: -1 }), 9],
  [sliding({ size: 6, slide: 2 }), 0],
  [sliding({ size: 6, slide: 2 }), 1],
  [sliding({ size: 6, slide: 2, offset: 1 }), 5],
  [sliding({ size: 5, slide: 3 }), 0],
  [sliding({ size: 5, slide: 3 }), 4],
  [sliding({ size: 2, slide: 5 }), 0],
  [sliding({ size: 2, slide: 5 }), 6],
  [sliding({ size: 4, slide: 1 }), 2],
] as const)('%j with lateness %d', (spec, latenessMs) => {
  test('says what a list of elements and a loop over all windows would say', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = chance(seed);
      const t = harness(spec, latenessMs);
      const model = new Naive(spec, latenessMs);
      for (let move = 0; move < 30; move += 1) {
        const kind = random(10);
        if (kind < 6) {
          const at = random(30) - 5;
          t.push(at);
          model.push(at);
        } else if (kind < 9) {
          const to = random(35) - 5;
          t.watermark(to);
          model.watermark(to);
        } else if (random(2) === 0) t.checkpoint();
        else t.crash();
        if (seen(t).length !== model.emitted.length) break;
      }
      expect(seen(t).sort(), `seed ${seed}`).toEqual(model.emitted.toSorted());
      const { accepted, filtered, late: lates } = t.counters()['w'] ?? {};
      expect(t.side(late)).toEqual(model.late);
      t.watermark(1000);
      model.watermark(1000);
      expect(seen(t).sort()).toEqual(model.emitted.toSorted());
      expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
      expect([accepted, filtered, lates].every((number) => (number ?? 0) >= 0)).toBe(true);
    }
  });
});

/** Rules of Flink, one key, without slices: keep all elements and look at all windows. */
class Naive {
  readonly emitted: string[] = [];
  readonly late: number[] = [];
  readonly #spec: AlignedWindows;
  readonly #latenessMs: number;
  readonly #elements: number[] = [];
  #watermark = -Infinity;

  constructor(spec: AlignedWindows, latenessMs: number) {
    this.#spec = spec;
    this.#latenessMs = latenessMs;
  }

  push(at: number): void {
    const starts = this.#starts(at);
    const live = starts.filter((start) => this.#cleanup(start) > this.#watermark);
    if (live.length === 0) {
      // Between two windows an element is late where one of a window would be, after Flink.
      if (starts.length > 0 || at + this.#latenessMs <= this.#watermark) this.late.push(at);
      return;
    }
    this.#elements.push(at);
    for (const start of live) if (this.#maxTime(start) <= this.#watermark) this.#fire(start);
  }

  watermark(to: number): void {
    if (to <= this.#watermark) return;
    const starts = new Set(this.#elements.flatMap((at) => this.#starts(at)));
    for (const start of starts)
      if (this.#maxTime(start) > this.#watermark && this.#maxTime(start) <= to) this.#fire(start);
    this.#watermark = to;
  }

  #fire(start: number): void {
    const end = start + this.#spec.sizeMs;
    const value = this.#elements.filter((at) => at >= start && at < end).length;
    this.emitted.push(`[${start},${end}) ${value}`);
  }

  #starts(at: number): number[] {
    const { sizeMs, slideMs, offsetMs } = this.#spec;
    const starts: number[] = [];
    for (let start = -100 * slideMs + offsetMs; start <= at; start += slideMs)
      if (at < start + sizeMs) starts.push(start);
    return starts;
  }

  #maxTime(start: number): number {
    return start + this.#spec.sizeMs - 1;
  }

  #cleanup(start: number): number {
    return this.#maxTime(start) + this.#latenessMs;
  }
}

function windowed(spec: AlignedWindows, latenessMs: number): Pipeline<number, Result> {
  return pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, outOfOrderness: 1_000_000, allowNegative: true }),
      keyBy(() => 'k'),
      window(spec, count(), { uid: 'w', allowedLateness: latenessMs, late }),
    ),
  );
}

type Harness = TestHarness<{ input: number }, { output: Result }>;

function harness(spec: AlignedWindows, latenessMs: number): Harness {
  return testHarness(windowed(spec, latenessMs)) as unknown as Harness;
}

function seen(t: Harness): string[] {
  return t.output().map(({ window: { start, end }, value }) => `[${start},${end}) ${value}`);
}

function chance(seed: number): (below: number) => number {
  let state = seed * 7919;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}
