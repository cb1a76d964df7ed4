import { describe, expect, test } from 'vitest';
import {
  count,
  defineTrigger,
  eventTime,
  globalWindow,
  keyBy,
  pipeline,
  session,
  sliding,
  stream,
  triggers,
  tumbling,
  unchecked,
  window,
  type Trigger,
  type WindowResult,
  type WindowSpec,
} from '../index.js';
import { testHarness, type TestHarness } from '../testing/index.js';

type Result = WindowResult<string, number>;
type Harness = TestHarness<{ input: number }, { output: Result }>;

describe('continuousEventTime', () => {
  const every3 = triggers.continuousEventTime(3);

  test('fires at multiples of the interval behind the first element, and at the end of the window', () => {
    const t = harness(tumbling({ size: 10 }), every3);
    t.push(4);
    expect(firedAt(t, [3, 4, 5, 6, 7, 8, 9, 12])).toEqual([6, 9]);
    expect(left(t)).toEqual([0, 0]);
  });

  test('does not fire twice where the last multiple is the end of the window', () => {
    const t = harness(tumbling({ size: 10 }), every3);
    t.push(1);
    expect(firedAt(t, [1, 3, 6, 9, 10])).toEqual([3, 6, 9]);
  });

  test('fires for each multiple that a watermark leaps over', () => {
    const t = harness(tumbling({ size: 10 }), every3);
    t.push(1).watermark(8);
    expect(values(t)).toEqual([1, 1]);
  });

  test('an element before the multiple that is waited for does not move it', () => {
    const t = harness(tumbling({ size: 100 }), triggers.continuousEventTime(10));
    t.push(25).push(3);
    expect(firedAt(t, [10, 29, 30, 40])).toEqual([30, 40]);
  });

  test('counts multiples with the sign of the time, so below zero the first one comes later', () => {
    const t = harness(tumbling({ size: 100 }), triggers.continuousEventTime(10));
    t.push(-25);
    expect(firedAt(t, [-21, -20, -11, -10, -9])).toEqual([-10]);
  });

  test('each late element of a window that is over fires at once', () => {
    const t = harness(tumbling({ size: 10 }), every3, { allowedLateness: 20 });
    t.push(1).watermark(9);
    expect(values(t)).toEqual([1, 1, 1]);
    t.push(2).push(3);
    expect(values(t).slice(3)).toEqual([2, 3]);
    expect(left(t.watermark(29))).toEqual([0, 0]);
  });

  test('does not fire between the end of a window and its clean-up by itself, nor at that', () => {
    const t = harness(tumbling({ size: 10 }), triggers.continuousEventTime(4), {
      allowedLateness: 20,
    });
    t.push(1);
    expect(firedAt(t, [4, 8, 9, 12, 28, 29])).toEqual([4, 8, 9]);
    expect(left(t)).toEqual([0, 0]);
  });

  test('of sessions that become one, the earliest pending fire stays', () => {
    const t = harness(session({ gap: 10 }), triggers.continuousEventTime(7));
    t.push(22).push(5).push(13);
    expect(firedAt(t, [6, 7, 14, 21, 28, 31, 40])).toEqual([7, 14, 21, 28, 31]);
    expect(left(t)).toEqual([0, 0]);
  });

  test('the end of the input fires a window without an end once more, not for all multiples to come', () => {
    const t = harness(globalWindow(), triggers.continuousEventTime(10));
    t.push(4).watermark(10).push(5).end();
    expect([values(t), left(t)]).toEqual([
      [1, 2, 2],
      [1, 0],
    ]);
  });

  test('overlapping windows of a key go by intervals of their own', () => {
    const t = harness(sliding({ size: 6, slide: 3 }), triggers.continuousEventTime(4));
    t.push(1);
    expect(ends(t.watermark(20))).toEqual([3, 6, 6]);
    expect(left(t)).toEqual([0, 0]);
  });

  test('waits for the same multiple after a crash', () => {
    const t = harness(tumbling({ size: 10 }), every3);
    t.push(4).watermark(6).checkpoint();
    t.restore();
    expect(firedAt(t, [7, 8, 9])).toEqual([9]);
    t.restore().push(5).crash();
    expect(values(t.watermark(9))).toEqual([1, 2]);
  });

  test('an element without event time is refused by name', () => {
    const untimed = pipeline('p', unchecked<number>(), (n$) =>
      stream(n$).pipe(
        keyBy(() => 'k'),
        window(globalWindow(), count(), { uid: 'w', trigger: every3 as never }),
      ),
    );
    expect(() => testHarness(untimed).push(1)).toThrow(
      /TIMESTAMP_INVALID.*operator "w".*triggers\.continuousProcessingTime/,
    );
  });
});

describe('continuousProcessingTime', () => {
  const every10 = triggers.continuousProcessingTime(10);

  test('fires at multiples of the interval by the clock, from the first element on', () => {
    const t = harness(globalWindow(), every10);
    t.advance(24).push(1);
    expect(firedAfter(t, 24, [5, 1, 9, 1])).toEqual([30, 40]);
  });

  test('fires only while something lies in the window, but goes on to wait', () => {
    const t = harness(globalWindow(), triggers.purging(every10));
    t.push(1);
    expect(firedAfter(t, 0, [10, 10, 10])).toEqual([10]);
    t.push(1);
    expect(firedAfter(t, 30, [10])).toEqual([40]);
  });

  test('fires at the end of a window of processing time at the latest, and then no more', () => {
    const t = harness(tumbling({ size: 25, time: 'processing' }), every10);
    t.advance(3).push(1);
    expect(firedAfter(t, 3, [7, 10, 3, 1, 1, 20])).toEqual([10, 20, 24]);
    expect(left(t)).toEqual([0, 0]);
  });

  test('on a window of event time fires a last time when the clock is at its end', () => {
    const t = harness(tumbling({ size: 25 }), every10);
    t.push(1);
    expect(firedAfter(t, 0, [10, 10, 4, 1, 50])).toEqual([10, 20, 24]);
    expect(left(t.watermark(24))).toEqual([0, 0]);
  });

  test('of sessions that become one, the earliest pending fire stays', () => {
    const t = harness(session({ gap: 30, time: 'processing' }), every10);
    t.advance(8).push(1).advance(1).push(1);
    expect(firedAfter(t, 9, [1, 9, 1, 10, 8, 1, 20])).toEqual([10, 20, 30, 38]);
    expect(left(t)).toEqual([0, 0]);
  });

  test('waits for the same time after a crash', () => {
    const t = harness(globalWindow(), every10);
    t.advance(4).push(1).checkpoint();
    t.restore();
    expect(firedAfter(t, 4, [5, 1])).toEqual([10]);
    t.crash();
    expect(values(t)).toEqual([1]);
  });
});

describe('timeout', () => {
  const of3 = triggers.count(3);

  test('fires when the inner trigger has not fired for so long since the first element', () => {
    const t = harness(globalWindow(), triggers.timeout(of3, { after: 100 }));
    t.advance(50).push(1).advance(60).push(1);
    expect(firedAfter(t, 110, [39, 1])).toEqual([150]);
    expect(values(t)).toEqual([2]);
  });

  test('keeps what is in the window, unless the inner trigger purges', () => {
    const kept = harness(globalWindow(), triggers.timeout(of3, { after: 100 }));
    kept.push(1).advance(100).push(1).advance(100);
    expect(values(kept)).toEqual([1, 2]);
    const purging = defineTrigger<number>({ name: 'p', processingTime: () => 'purge' });
    const purged = harness(globalWindow(), triggers.timeout(purging, { after: 100 }));
    purged.push(1).advance(100).push(1).advance(100);
    expect(values(purged)).toEqual([1, 1]);
  });

  test('when the inner trigger fires the wait is over, and begins with the next element', () => {
    const t = harness(globalWindow(), triggers.timeout(of3, { after: 100 }));
    t.push(1).push(1).push(1);
    expect(values(t)).toEqual([3]);
    expect(t.timers()).toBe(0);
    t.advance(500);
    expect(values(t)).toEqual([3]);
    t.push(1);
    expect(firedAfter(t, 500, [99, 1])).toEqual([600]);
  });

  test('starts anew with each element where that is asked for', () => {
    const t = harness(globalWindow(), triggers.timeout(of3, { after: 100, resetOnElement: true }));
    t.push(1).advance(60).push(1);
    expect(t.timers()).toBe(1);
    expect(firedAfter(t, 60, [40, 59, 1])).toEqual([160]);
  });

  test('forgets what the inner trigger has counted, unless told otherwise', () => {
    const fires = (clearOnTimeout: boolean | undefined): number[] => {
      const t = harness(
        globalWindow(),
        triggers.timeout(of3, {
          after: 100,
          ...(clearOnTimeout === undefined ? {} : { clearOnTimeout }),
        }),
      );
      t.push(1).push(1).advance(100).push(1);
      return values(t);
    };
    expect([fires(undefined), fires(true), fires(false)]).toEqual([[2], [2], [2, 3]]);
  });

  test('every timer of the inner trigger counts as a time-out', () => {
    const t = harness(
      tumbling({ size: 10 }),
      triggers.timeout(triggers.eventTime(), { after: 50 }),
    );
    t.push(1).watermark(9);
    expect(values(t)).toEqual([1]);
    expect(left(t)).toEqual([0, 0]);
  });

  test('so does the clean-up of the window, which leaves no wait behind', () => {
    const t = harness(tumbling({ size: 10 }), triggers.timeout(of3, { after: 50 }));
    t.push(1).watermark(9);
    expect([values(t), left(t)]).toEqual([[1], [0, 0]]);
  });

  test('waits for the same time after a crash, and knows what the inner trigger has counted', () => {
    const t = harness(globalWindow(), triggers.timeout(of3, { after: 100 }));
    t.advance(7).push(1).push(1).checkpoint();
    t.restore().push(1);
    expect(values(t)).toEqual([3]);
    t.restore();
    expect(firedAfter(t, 7, [99, 1])).toEqual([107]);
  });

  test('around a time-out each part remembers its own', () => {
    const t = harness(
      globalWindow(),
      triggers.timeout(triggers.timeout(of3, { after: 100 }), { after: 30 }),
    );
    t.push(1).push(1).checkpoint();
    t.crash().push(1);
    expect(values(t)).toEqual([3]);
    t.push(1);
    expect(firedAfter(t, 0, [29, 1])).toEqual([30]);
  });

  test('cannot stand on sessions', () => {
    expect(triggers.timeout(triggers.eventTime(), { after: 1 }).merge).toBeUndefined();
  });
});

function harness<State>(
  spec: WindowSpec<number>,
  trigger: Trigger<number, State>,
  options: { readonly allowedLateness?: number } = {},
): Harness {
  return testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d', allowNegative: true }),
        keyBy(() => 'k'),
        window(spec, count(), { uid: 'w', trigger: trigger as never, ...options }),
      ),
    ),
  ) as unknown as Harness;
}

/** The watermarks, one after the other, at which something has fired. */
function firedAt(t: Harness, watermarks: readonly number[]): number[] {
  return watermarks.filter((time) => {
    const before = t.output().length;
    return t.watermark(time).output().length > before;
  });
}

/** The clock moves from a time on, by one span after the other; gives the times at which something has fired. */
function firedAfter(t: Harness, from: number, spans: readonly number[]): number[] {
  let now = from;
  return spans.flatMap((ms) => {
    const before = t.output().length;
    now += ms;
    return t.advance(ms).output().length > before ? [now] : [];
  });
}

function values(t: Harness): number[] {
  return t.output().map(({ value }) => value);
}

function ends(t: Harness): number[] {
  return t.output().map(({ window: { end } }) => end);
}

/** Keys with state, and timers. */
function left(t: Harness): [number, number] {
  return [t.stateSize(), t.timers()];
}
