import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  dedupe,
  eventTime,
  keyBy,
  outputTag,
  pipeline,
  process,
  stream,
  unchecked,
  type DedupeOptions,
  type Duration,
} from '../index.js';
import { seededRandom, testHarness, verifyOperator } from '../testing/index.js';

interface Event {
  readonly id: string;
  readonly at: number;
  readonly n?: number;
}

const late = outputTag<Event>('late');

describe("keep: 'first'", () => {
  const once = build('first');

  test('lets the first of each key through at once, with its timestamp', () => {
    const t = testHarness(once);
    t.push(event('a', 100)).push(event('b', 101)).push(event('a', 105)).push(event('a', 100));
    expect(t.records()).toEqual([
      { value: event('a', 100), timestamp: 100 },
      { value: event('b', 101), timestamp: 101 },
    ]);
    expect(t.counters()['once']).toMatchObject({ received: 4, accepted: 2, filtered: 2, late: 0 });
  });

  test('what lies `within` away or more is no repetition, on both sides', () => {
    verifyOperator(once, {
      steps: [200, 191, 209, 190, 210, 201].map((time) => ({ push: event('a', time) })),
      expect: [event('a', 200), event('a', 190), event('a', 210)],
      keysLeft: 1,
      timersLeft: 3,
    });
  });

  test('a repetition does not lengthen the time of what it repeats', () => {
    const t = testHarness(once);
    for (const time of [100, 106, 112]) t.push(event('a', time));
    expect(t.output().map(({ at }) => at)).toEqual([100, 112]);
  });

  test('an element is late when its timestamp + within is behind the watermark, else it is judged', () => {
    const t = testHarness(once);
    t.push(event('a', 100)).watermark(109);
    t.push(event('a', 105)).push(event('b', 100)).push(event('c', 99));
    expect(t.output().map(({ id }) => id)).toEqual(['a', 'b']);
    expect(t.side(late)).toEqual([event('c', 99)]);
    expect(t.late()).toMatchObject([{ operator: 'once', timestamp: 99, watermark: 109, key: 'c' }]);
    expect(t.counters()['once']).toMatchObject({ accepted: 2, filtered: 1, late: 1, received: 4 });
  });

  test('is remembered until nothing that is not late can be a repetition of it', () => {
    const t = testHarness(once);
    t.push(event('a', 100)).watermark(118);
    t.push(event('a', 109));
    expect(t.counters()['once']).toMatchObject({ accepted: 1, filtered: 1 });
    t.watermark(119).push(event('a', 109));
    expect(t.counters()['once']).toMatchObject({ accepted: 1, filtered: 1, late: 1 });
    t.watermark(120);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('what was seen survives a crash', () => {
    const t = testHarness(once);
    t.push(event('a', 100)).checkpoint();
    t.push(event('b', 100)).crash();
    t.push(event('a', 104)).push(event('b', 104)).watermark(109).checkpoint();
    t.restore().push(event('c', 99)).push(event('a', 108));
    expect(t.output()).toEqual([event('a', 100), event('b', 100)]);
    expect(t.side(late)).toEqual([event('c', 99)]);
    t.end();
    expect(t.stateSize()).toBe(0);
  });

  test('no two that come out are too close, none is lost without reason, whatever the order', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 200; round += 1) {
      const t = testHarness(build('first', 10, 4));
      const events = Array.from({ length: 40 }, (_, n) =>
        event(random() < 0.7 ? 'a' : 'b', n + Math.floor(random() * 30), n),
      );
      for (const one of events) t.push(one);
      const out = t.output();
      const isNear = (a: Event, b: Event): boolean => a.id === b.id && Math.abs(a.at - b.at) < 10;
      for (const one of out) expect(out.filter((other) => isNear(one, other))).toEqual([one]);
      const isLate = new Set(t.side(late).map(({ n }) => n));
      for (const one of events)
        if (isLate.has(one.n)) expect(out).not.toContainEqual(one);
        else expect(out.some((other) => isNear(one, other))).toBe(true);
      const { received, accepted, filtered, late: lates } = t.counters()['once'] ?? {};
      expect([received, (accepted ?? 0) + (filtered ?? 0) + (lates ?? 0)]).toEqual([40, 40]);
      t.end();
      expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
    }
  });
});

describe("keep: 'last'", () => {
  const newest = build('last', '1s');

  test('gives the one with the highest timestamp when its interval is over, at the end of it', () => {
    verifyOperator(newest, {
      steps: [
        { push: event('a', 1_000, 1) },
        { push: event('a', 1_900, 2) },
        { push: event('a', 1_500, 3) },
        { push: event('b', 1_950, 4) },
        { watermark: 1_998 },
        { push: event('a', 1_999, 5) },
        { watermark: 1_999 },
        { end: true },
      ],
      expect: [event('a', 1_999, 5), event('b', 1_950, 4)],
    });
    const t = testHarness(newest);
    t.push(event('a', 1_000)).push(event('a', 1_500)).watermark(1_998);
    expect(t.output()).toEqual([]);
    t.watermark(1_999);
    expect(t.records()).toEqual([{ value: event('a', 1_500), timestamp: 1_999 }]);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('of equal timestamps the later arrival wins', () => {
    const t = testHarness(newest);
    t.push(event('a', 1_000, 1))
      .push(event('a', 1_000, 2))
      .end();
    expect(t.output()).toEqual([event('a', 1_000, 2)]);
  });

  test('an earlier element that comes later moves the intervals', () => {
    const t = testHarness(newest);
    t.push(event('a', 5_000)).push(event('a', 5_800)).push(event('a', 4_500)).end();
    expect(t.output().map(({ at }) => at)).toEqual([5_000, 5_800]);
    expect(t.records().map(({ timestamp }) => timestamp)).toEqual([5_499, 6_799]);
  });

  test('an element behind the watermark counts in an interval that has begun, any other is late', () => {
    const t = testHarness(newest);
    t.push(event('a', 1_000, 1)).watermark(1_500);
    t.push(event('a', 1_400, 2))
      .push(event('a', 999, 3))
      .push(event('b', 1_500, 4));
    t.push(event('a', 1_300, 5));
    t.watermark(2_000)
      .push(event('a', 1_999, 6))
      .push(event('a', 2_001, 7))
      .end();
    expect(t.output().map(({ n }) => n)).toEqual([2, 7]);
    expect(t.side(late).map(({ n }) => n)).toEqual([3, 4, 6]);
    expect(t.counters()['once']).toMatchObject({ received: 7, accepted: 4, late: 3, filtered: 0 });
  });

  test('keeps one element of an interval that has begun, however many come', () => {
    const t = testHarness(newest);
    t.push(event('a', 1_000)).watermark(1_100);
    for (let n = 0; n < 50; n += 1) t.push(event('a', 1_101 + n));
    const [start, times, values] = Object.values(
      t.state('once', 'a') as Record<string, unknown>,
    ) as [number, number[], unknown[]];
    expect([start, times, values.length]).toEqual([1_000, [1_150], 1]);
  });

  test('what waits survives a crash', () => {
    const t = testHarness(newest);
    t.push(event('a', 1_000)).push(event('a', 2_500)).checkpoint();
    t.push(event('a', 1_400)).crash();
    t.watermark(1_999).checkpoint();
    t.restore().push(event('a', 2_600)).end();
    expect(t.output().map(({ at }) => at)).toEqual([1_400, 2_600]);
  });

  test('does not depend on the order of arrival within the bound, and is what intervals say', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 200; round += 1) {
      const events = Array.from({ length: 40 }, (_, n) =>
        event(random() < 0.7 ? 'a' : 'b', n * 100 + Math.floor(random() * 100), n),
      );
      const shuffled = events
        .map((one) => ({ one, place: one.at + random() * 1_500 }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ one }) => one);
      const t = testHarness(build('last', '1s', '2s'));
      for (const one of shuffled) {
        t.push(one);
        if (random() < 0.1) t.checkpoint();
        if (random() < 0.05) t.crash();
      }
      t.end();
      const out = t.output().toSorted((a, b) => a.at - b.at);
      expect(out).toEqual(lastOfIntervals(events, 1_000));
      expect([t.late().length, t.stateSize(), t.timers()]).toEqual([0, 0, 0]);
    }
  });
});

describe('options', () => {
  const by = (one: Event): string => one.id;

  test('a dedupe without a bound is refused, and says why', () => {
    expect(() => dedupe({ uid: 'once', by } as never)).toThrow(
      /OPTIONS_INVALID.*within.*dedupe "once".*for ever/,
    );
    expect(() => dedupe(undefined as never)).toThrow(/OPTIONS_INVALID.*no within/);
  });

  test.each<[string, Partial<Record<keyof DedupeOptions<Event> | 'windows', unknown>>]>([
    ['a bound of 0', { within: 0 }],
    ['a bound that is no duration', { within: '5 minutes' }],
    ['another kind of keep', { keep: 'newest' }],
    ['a key that is no function', { by: 'id' }],
    ['a late output that is no tag', { late: 'late' }],
    ['an unknown option', { windows: 1 }],
    ['a uid that is none', { uid: 5 }],
  ])('%s is refused', (_name, wrong) => {
    const options = { uid: 'once', by, within: '10m', ...wrong };
    expect(() => dedupe(options as never)).toThrow(/OPTIONS_INVALID.*dedupe\(\)/);
  });

  test('an async key is refused', () => {
    expect(() => dedupe({ uid: 'x', within: 1, by: (async () => 'a') as never })).toThrow(
      'USER_FUNCTION_ASYNC',
    );
  });

  test('needs event time, but no keyBy', () => {
    expect(() => of(event('a', 1)).pipe(dedupe({ uid: 'x', within: 1, by }))).toThrow(
      'TIME_MISSING',
    );
  });

  test('another bound or another kind is not mixed with the old state', () => {
    const shapes = (
      [
        ['first', 10],
        ['last', 10],
        ['first', 11],
      ] as const
    ).map(([keep, within]) => {
      const timed = stream(of(event('a', 1))).pipe(eventTime({ timestamp: ({ at }) => at }));
      const { from } = timed.pipe(dedupe({ uid: 'x', by, within, keep })).edge;
      return from.kind === 'operator' && from.spec.facts.stateShape;
    });
    expect(new Set(shapes).size).toBe(3);
  });
});

test('an element without a timestamp has no place in time: it fails by itself, and is counted', () => {
  const timed = pipeline('p', unchecked<Event>(), (events) =>
    events.pipe(
      eventTime({ timestamp: ({ at }) => at }),
      keyBy(({ id }) => id),
      process({
        uid: 'wait',
        element: (_event, { timers, now }) => timers.setProcessingTime(now + 5),
        timer: ({ time }) => [time],
      }),
      dedupe({ uid: 'once', by: (time) => time, within: 10 }),
    ),
  );
  const t = testHarness(timed, { onFailure: 'collect' });
  t.push(event('a', 5)).advance(5);
  expect(t.output()).toEqual([]);
  expect(t.dead()[0]?.reason).toMatch(/TIMESTAMP_INVALID/);
  expect(t.counters()['once']).toMatchObject({ received: 1, dead: 1, accepted: 0 });
});

function event(id: string, time: number, n?: number): Event {
  return n === undefined ? { id, at: time } : { id, at: time, n };
}

/** By default the watermark is only what a test says. */
function build(keep: 'first' | 'last', within: Duration = 10, outOfOrderness: Duration = '1d') {
  return pipeline('p', unchecked<Event>(), (events) =>
    events.pipe(
      eventTime({ timestamp: ({ at }) => at, every: 0, outOfOrderness }),
      dedupe({ uid: 'once', by: ({ id }) => id, within, keep, late }),
    ),
  );
}

/** Recomputed from scratch: per key, ascending, the last of each interval. */
function lastOfIntervals(events: readonly Event[], within: number): Event[] {
  const out: Event[] = [];
  for (const id of ['a', 'b']) {
    let rest = events.filter((one) => one.id === id).toSorted((x, y) => x.at - y.at);
    while (rest.length > 0) {
      const end = (rest[0]?.at ?? NaN) + within;
      out.push(rest.filter(({ at }) => at < end).at(-1) as Event);
      rest = rest.filter(({ at }) => at >= end);
    }
  }
  return out.toSorted((a, b) => a.at - b.at);
}
