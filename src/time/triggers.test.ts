import { describe, expect, test } from 'vitest';
import type { Trigger, TriggerContext, TriggerResult } from './trigger.js';
import { triggers } from './triggers.js';
import type { TimeWindow } from './windows.js';

describe('eventTime', () => {
  test('fires when the watermark reaches the last time of the window, once for all elements', () => {
    const bench = new Bench(triggers.eventTime());
    expect([bench.element(1), bench.element(2)]).toEqual(['continue', 'continue']);
    expect(bench.eventTimers).toEqual([9]);
    expect(bench.watermarkTo(8)).toEqual([]);
    expect(bench.watermarkTo(9)).toEqual(['fire']);
    expect(bench.eventTimers).toEqual([]);
  });

  test('fires at once for an element whose window is over, and sets no timer', () => {
    const bench = new Bench(triggers.eventTime());
    bench.watermark = 8;
    expect(bench.element(1)).toBe('continue');
    bench.watermark = 9;
    bench.eventTimers = [];
    expect(bench.element(2)).toBe('fire');
    expect(bench.eventTimers).toEqual([]);
  });

  test('does not answer to a timer that is not the end of its window', () => {
    const bench = new Bench(triggers.eventTime());
    bench.eventTimers = [5];
    expect(bench.watermarkTo(5)).toEqual(['continue']);
    expect(bench.trigger.processingTime(9, bench)).toBe('continue');
  });

  test('a merged window waits for its own end, unless that is over', () => {
    const open = new Bench(triggers.eventTime());
    open.watermark = 8;
    open.trigger.merge?.(open, [undefined, undefined]);
    expect(open.eventTimers).toEqual([9]);
    const over = new Bench(triggers.eventTime());
    over.watermark = 9;
    over.trigger.merge?.(over, [undefined, undefined]);
    expect(over.eventTimers).toEqual([]);
  });

  test('a window that goes takes its timer with it', () => {
    const bench = new Bench(triggers.eventTime());
    bench.element(1);
    bench.trigger.clear(bench);
    expect(bench.eventTimers).toEqual([]);
  });
});

describe('processingTime', () => {
  test('fires when the clock reaches the last time of the window, whatever the watermark', () => {
    const bench = new Bench(triggers.processingTime());
    bench.watermark = 100;
    expect(bench.element(1)).toBe('continue');
    expect([bench.eventTimers, bench.processingTimers]).toEqual([[], [9]]);
    expect(bench.clockTo(8)).toEqual([]);
    expect(bench.clockTo(9)).toEqual(['fire']);
    expect(bench.trigger.eventTime(9, bench)).toBe('continue');
  });

  test('a merged window waits for its own end, unless the clock is there already', () => {
    const open = new Bench(triggers.processingTime());
    open.now = 8;
    open.trigger.merge?.(open, [undefined]);
    expect(open.processingTimers).toEqual([9]);
    const over = new Bench(triggers.processingTime());
    over.now = 9;
    over.trigger.merge?.(over, [undefined]);
    expect(over.processingTimers).toEqual([]);
  });

  test('a window that goes takes its timer with it', () => {
    const bench = new Bench(triggers.processingTime());
    bench.element(1);
    bench.trigger.clear(bench);
    expect(bench.processingTimers).toEqual([]);
  });
});

describe('count', () => {
  test('fires at each so many-th element, and begins to count anew', () => {
    const bench = new Bench(triggers.count(3));
    const said = [1, 2, 3, 4, 5, 6, 7].map((value) => bench.element(value));
    expect(said.flatMap((result, index) => (result === 'fire' ? [index + 1] : []))).toEqual([3, 6]);
    expect(said.filter((result) => result !== 'fire')).toEqual(Array(5).fill('continue'));
  });

  test('of 1 fires at each element', () => {
    const bench = new Bench(triggers.count(1));
    expect([bench.element(1), bench.element(2)]).toEqual(['fire', 'fire']);
  });

  test('merged windows go on from the sum of their counts', () => {
    const bench = new Bench(triggers.count(4));
    bench.trigger.merge?.(bench, [1, 2]);
    expect(bench.state).toBe(3);
    expect(bench.element(1)).toBe('fire');
  });

  test('a sum of counts beyond the size fires with the next element, not by itself', () => {
    const bench = new Bench(triggers.count(3));
    bench.trigger.merge?.(bench, [2, 2]);
    expect([bench.element(1), bench.element(2)]).toEqual(['fire', 'continue']);
  });

  test('goes by no time and sets no timer', () => {
    const bench = new Bench(triggers.count(2));
    bench.element(1);
    expect([bench.eventTimers, bench.processingTimers]).toEqual([[], []]);
    expect(bench.trigger.eventTime(9, bench)).toBe('continue');
    expect(bench.trigger.processingTime(9, bench)).toBe('continue');
  });

  test('a window that goes is forgotten', () => {
    const bench = new Bench(triggers.count(2));
    bench.element(1);
    bench.trigger.clear(bench);
    expect(bench.state).toBe(bench.trigger.create());
  });

  test.each([0, -1, 1.5, NaN, Infinity, '2', undefined])('%s is no number of elements', (size) => {
    expect(() => triggers.count(size as number)).toThrow(
      /OPTIONS_INVALID.*a whole number > 0.*triggers\.count/,
    );
  });
});

describe('purging', () => {
  test('forgets whenever the inner trigger fires, by element or by timer', () => {
    const counting = new Bench(triggers.purging(triggers.count(2)));
    expect([counting.element(1), counting.element(2)]).toEqual(['continue', 'fireAndPurge']);
    const timed = new Bench(triggers.purging(triggers.eventTime()));
    timed.element(1);
    expect(timed.watermarkTo(9)).toEqual(['fireAndPurge']);
    const clocked = new Bench(triggers.purging(triggers.processingTime()));
    clocked.element(1);
    expect(clocked.clockTo(9)).toEqual(['fireAndPurge']);
  });

  test.each(['continue', 'purge', 'fireAndPurge'] as const)('passes on %s as it is', (result) => {
    const inner: Trigger<unknown, undefined> = {
      ...triggers.never(),
      element: () => result,
      eventTime: () => result,
      processingTime: () => result,
    };
    const bench = new Bench(triggers.purging(inner));
    expect(bench.element(1)).toBe(result);
    expect(bench.trigger.eventTime(1, bench)).toBe(result);
    expect(bench.trigger.processingTime(1, bench)).toBe(result);
  });

  test('merges, clears and begins as the inner trigger does', () => {
    const bench = new Bench(triggers.purging(triggers.count(5)));
    expect(bench.state).toBe(0);
    bench.trigger.merge?.(bench, [2, 2]);
    expect(bench.element(1)).toBe('fireAndPurge');
    bench.element(2);
    bench.trigger.clear(bench);
    expect(bench.state).toBe(0);
  });

  test('cannot merge where the inner trigger cannot, and never fires where that never does', () => {
    const far = triggers.delta<number>({ threshold: 1, delta: (a, b) => b - a });
    expect(triggers.purging(far).merge).toBeUndefined();
    expect(triggers.purging(triggers.never()).fires).toBe(false);
    expect(triggers.purging(triggers.count(1)).fires).toBe(true);
  });
});

describe('delta', () => {
  const distance = (before: number, now: number): number => now - before;
  const rise = triggers.delta({ threshold: 2, delta: distance });

  test('remembers the first element and fires at one that is further than the threshold', () => {
    const bench = new Bench(rise);
    expect([10, 12, 13].map((value) => bench.element(value))).toEqual([
      'continue',
      'continue',
      'fire',
    ]);
  });

  test('measures from the element at which it fired last, not from the one before', () => {
    const bench = new Bench(rise);
    expect([0, 2, 3, 4, 5, 6].map((value) => bench.element(value))).toEqual([
      'continue',
      'continue',
      'fire',
      'continue',
      'continue',
      'fire',
    ]);
  });

  test('a distance that is not a number does not fire', () => {
    const bench = new Bench(triggers.delta<number>({ threshold: 0, delta: () => NaN }));
    expect([bench.element(1), bench.element(2)]).toEqual(['continue', 'continue']);
  });

  test.each([undefined, null, 0, ''])('%s is a first element like any other', (first) => {
    const pairs: unknown[] = [];
    const trigger = triggers.delta<unknown>({
      threshold: 0,
      delta(before: unknown, now: unknown): number {
        pairs.push([before, now]);
        return 1;
      },
    });
    const bench = new Bench(trigger);
    expect([bench.element(first), bench.element('next')]).toEqual(['continue', 'fire']);
    expect(pairs).toEqual([[first, 'next']]);
  });

  test('cannot merge, because nobody knows which element would count', () => {
    expect(rise.merge).toBeUndefined();
  });

  test('a window that goes is forgotten', () => {
    const bench = new Bench(rise);
    bench.element(1);
    bench.trigger.clear(bench);
    expect(bench.state).toBe(rise.create());
  });

  test('goes by no time', () => {
    const bench = new Bench(rise);
    bench.element(1);
    expect([bench.eventTimers, bench.processingTimers]).toEqual([[], []]);
    expect(bench.trigger.eventTime(9, bench)).toBe('continue');
    expect(bench.trigger.processingTime(9, bench)).toBe('continue');
  });

  test.each([-1, NaN, '1', undefined])('refuses %s as a threshold', (threshold) => {
    expect(() => triggers.delta({ threshold, delta: distance } as never)).toThrow(
      /OPTIONS_INVALID.*a threshold >= 0.*triggers\.delta/,
    );
  });

  test.each([1, undefined, 'rise'])('refuses %s as a distance', (delta) => {
    expect(() => triggers.delta({ threshold: 1, delta } as never)).toThrow(
      /OPTIONS_INVALID.*a function delta\(before, now\).*triggers\.delta/,
    );
  });
});

describe('never', () => {
  test('says nothing, sets nothing, and admits that it does not fire', () => {
    const bench = new Bench(triggers.never());
    expect(bench.element(1)).toBe('continue');
    expect(bench.trigger.eventTime(9, bench)).toBe('continue');
    expect(bench.trigger.processingTime(9, bench)).toBe('continue');
    bench.trigger.merge?.(bench, [undefined]);
    bench.trigger.clear(bench);
    expect([bench.eventTimers, bench.processingTimers, bench.state]).toEqual([[], [], undefined]);
    expect(triggers.never().fires).toBe(false);
  });
});

describe('durations', () => {
  const timed: readonly (readonly [string, (duration: never) => unknown])[] = [
    ['continuousEventTime', triggers.continuousEventTime],
    ['continuousProcessingTime', triggers.continuousProcessingTime],
    ['timeout', (after) => triggers.timeout(triggers.eventTime(), { after })],
  ];

  test.each(timed)(
    '%s refuses a wait of nothing, a negative one and one of no length',
    (name, make) => {
      for (const wrong of [0, '0s', -1, 1.5, NaN, Infinity, '1 minute', undefined])
        expect(() => make(wrong as never)).toThrow(
          new RegExp(`DURATION_INVALID.*triggers\\.${name}`),
        );
    },
  );

  test('are part of the name, in ms, by which another trigger is noticed at a restart', () => {
    expect(timed.map(([, make]) => (make('2s' as never) as Trigger<never, never>).name)).toEqual([
      'continuousEventTime 2000',
      'continuousProcessingTime 2000',
      'timeout 2000 eventTime',
    ]);
  });
});

/** One window, [0, 10), of one trigger; times and timers lie open. */
class Bench<T, State> implements TriggerContext<State> {
  readonly trigger: Trigger<T, State>;
  readonly window: TimeWindow = { start: 0, end: 10 };
  readonly maxTimestamp = 9;
  state: State;
  timestamp = NaN;
  watermark = -Infinity;
  now = 0;
  eventTimers: number[] = [];
  processingTimers: number[] = [];

  constructor(trigger: Trigger<T, State>) {
    this.trigger = trigger;
    this.state = trigger.create();
  }

  element(value: T): TriggerResult {
    return this.trigger.element(value, this);
  }

  /** Moves the watermark; gives what the trigger says to each timer that is due. */
  watermarkTo(time: number): TriggerResult[] {
    this.watermark = time;
    const due = this.eventTimers.filter((at) => at <= time);
    this.eventTimers = this.eventTimers.filter((at) => at > time);
    return due.map((at) => this.trigger.eventTime(at, this));
  }

  clockTo(now: number): TriggerResult[] {
    this.now = now;
    const due = this.processingTimers.filter((at) => at <= now);
    this.processingTimers = this.processingTimers.filter((at) => at > now);
    return due.map((at) => this.trigger.processingTime(at, this));
  }

  setEventTime(time: number): void {
    this.eventTimers = [...new Set([...this.eventTimers, time])];
  }

  deleteEventTime(time: number): void {
    this.eventTimers = this.eventTimers.filter((at) => at !== time);
  }

  setProcessingTime(time: number): void {
    this.processingTimers = [...new Set([...this.processingTimers, time])];
  }

  deleteProcessingTime(time: number): void {
    this.processingTimers = this.processingTimers.filter((at) => at !== time);
  }
}
