import { describe, expect, test } from 'vitest';
import {
  connect,
  eventTime,
  keyBy,
  pipeline,
  process,
  reducingState,
  unchecked,
  valueState,
  type ProcessContext,
  type ValueState,
} from '../index.js';
import { testHarness } from '../testing/index.js';
import { cellsSpec, SlotCursor, type Cells, type StateDeclaration } from './handles.js';
import { KeyedStore } from './slots.js';
import type { TtlOptions } from './ttl.js';

type Value = ValueState<number | undefined>;
type Context = ProcessContext<string, { it: StateDeclaration<Value> }>;

/** What is done to the state of a key, and when it happened. */
interface Call {
  readonly key: string;
  readonly at: number;
  readonly run: (value: Value, context: Context) => unknown;
}

const get = (value: Value): unknown => value.get() ?? 'none';
const set = (given: number) => (value: Value) => value.set(given);

describe('in processing time', () => {
  const ttl: TtlOptions = { after: 10, time: 'processing', cleanup: 'none' };

  test('a value is gone when its last write is as long ago as the TTL', () => {
    const t = bench(ttl);
    t.push(at('a', 0, set(1))).advance(9);
    t.push(at('a', 0, get)).advance(1);
    t.push(at('a', 0, get));
    expect(t.output()).toEqual([1, 'none']);
    expect(t.stateSize()).toBe(0);
  });

  test('a write stamps, a read does not, unless it is said to', () => {
    for (const [update, expected] of [
      ['onCreateAndWrite', [1, 'none']],
      ['onReadAndWrite', [1, 1]],
    ] as const) {
      const t = bench({ ...ttl, update });
      t.push(at('a', 0, set(1))).advance(5);
      t.push(at('a', 0, get)).advance(5);
      t.push(at('a', 0, get));
      expect(t.output()).toEqual(expected);
    }
  });

  test('an expired value may be seen one last time, if that is asked for', () => {
    const t = bench({ ...ttl, visibility: 'returnExpiredIfNotCleanedUp' });
    t.push(at('a', 0, set(1))).advance(50);
    t.push(at('a', 0, get)).push(at('a', 0, get));
    expect(t.output()).toEqual([1, 'none']);
    expect(t.stateSize()).toBe(0);
  });

  test('stamps survive a crash, and time goes on meanwhile', () => {
    const t = bench(ttl);
    t.push(at('a', 0, set(1))).advance(4);
    t.push(at('b', 0, set(2)));
    const cut = t.checkpoint();
    t.advance(6);
    t.push(at('a', 0, get))
      .push(at('b', 0, get))
      .push(at('a', 0, set(3)));
    t.restore(cut).advance(6);
    t.push(at('a', 0, get))
      .push(at('b', 0, get))
      .crash();
    expect(t.output()).toEqual(['none', 2]);
  });

  test('clear forgets value and stamp', () => {
    const t = bench(ttl);
    t.push(at('a', 0, set(1))).push(at('a', 0, (value) => value.clear()));
    expect(t.stateSize()).toBe(0);
    t.push(at('a', 0, set(undefined as never)));
    expect(t.stateSize()).toBe(0);
  });

  test('an expired value gives way to the initial one', () => {
    const t = bench(ttl, 7);
    t.push(at('a', 0, get))
      .push(at('a', 0, set(1)))
      .advance(10);
    t.push(at('a', 0, get));
    expect(t.output()).toEqual([7, 7]);
  });
});

describe('in event time', () => {
  const ttl: TtlOptions = { after: 10, cleanup: 'none' };

  test('a value lives until the watermark has come to its stamp + TTL', () => {
    const t = bench(ttl);
    t.push(at('a', 100, set(1))).watermark(109);
    t.push(at('a', 0, get));
    t.watermark(110).push(at('a', 0, get));
    expect(t.output()).toEqual([1, 'none']);
  });

  test('the clock does not matter', () => {
    const t = bench(ttl);
    t.push(at('a', 100, set(1))).advance(1e9);
    t.push(at('a', 100, get));
    expect(t.output()).toEqual([1]);
  });

  test('an older write that comes later does not shorten the life', () => {
    const t = bench(ttl);
    t.push(at('a', 100, set(1))).push(at('a', 93, set(2)));
    t.watermark(109).push(at('a', 0, get));
    expect(t.output()).toEqual([2]);
    t.watermark(110).push(at('a', 0, get));
    expect(t.output()).toEqual([2, 'none']);
  });

  test('what is written behind the watermark lives by its own time', () => {
    const t = bench(ttl);
    t.watermark(1_000);
    t.push(at('a', 995, set(1))).push(at('b', 990, set(2)));
    t.push(at('a', 0, get)).push(at('b', 0, get));
    expect(t.output()).toEqual([1, 'none']);
  });

  test('a timer sees what was alive at its own time, however far the watermark has leapt', () => {
    const seen = (watermark: (t: ReturnType<typeof bench>) => void): unknown[] => {
      const t = bench(ttl, undefined, get);
      t.push(
        at('a', 100, (value, { timers }) => {
          value.set(1);
          timers.setEventTime(109);
          timers.setEventTime(110);
        }),
      );
      watermark(t);
      return t.output();
    };
    expect(seen((t) => t.watermark(109).watermark(110))).toEqual([1, 'none']);
    expect(seen((t) => t.watermark(1e6))).toEqual([1, 'none']);
    expect(seen((t) => t.end())).toEqual([1, 'none']);
  });

  test('a timer in the past does not bring back what has expired, nor does a restore', () => {
    const t = bench(ttl, undefined, get);
    t.push(at('a', 100, set(1))).watermark(110);
    t.push(at('a', 110, (_value, { timers }) => timers.setEventTime(50)));
    const cut = t.checkpoint();
    t.watermark(111);
    expect(t.output()).toEqual(['none']);
    t.restore(cut).watermark(111);
    expect(t.output()).toEqual(['none']);
  });

  test('what a timer writes is stamped with its time', () => {
    const t = bench(ttl, undefined, (value, { timestamp }) => {
      value.set(timestamp ?? NaN);
      return undefined;
    });
    t.push(at('a', 100, (_value, { timers }) => timers.setEventTime(120)));
    t.watermark(129).push(at('a', 0, get));
    t.watermark(130).push(at('a', 0, get));
    expect(t.output()).toEqual([120, 'none']);
  });

  test('stamps and watermark survive a crash', () => {
    const t = bench(ttl);
    t.push(at('a', 100, set(1)))
      .watermark(109)
      .checkpoint();
    t.push(at('a', 0, get)).crash();
    t.watermark(110)
      .push(at('a', 0, get))
      .checkpoint();
    t.restore().push(at('a', 0, get));
    expect(t.output()).toEqual([1, 'none', 'none']);
  });

  test('needs an eventTime', () => {
    const step = process({ uid: 'x', state: { it: declare(ttl) }, element: () => [] });
    expect(() =>
      pipeline('p', unchecked<Call>(), (calls) =>
        calls.pipe(
          keyBy((call) => call.key),
          step,
        ),
      ),
    ).toThrow('TIME_MISSING');
  });
});

test('a write without any time lives until the sweeper has dated it', () => {
  const timeless = { after: 10 } as const;
  const joined = pipeline(
    'joined',
    { titles: unchecked<string>(), plays: unchecked<{ song: string; at: number }>() },
    ({ titles, plays }) => {
      const keyed = titles.pipe(keyBy((song) => song));
      return plays.pipe(
        eventTime({ timestamp: (play) => play.at, every: 0 }),
        keyBy((play) => play.song),
        connect(keyed, {
          uid: 'x',
          state: { title: valueState(0, { ttl: timeless }) },
          first: (_play, { state }) => [state.title.get()],
          second: (_song, { state }) => state.title.set(1),
        }),
      );
    },
  );
  const t = testHarness(joined);
  t.push('a', { input: 'titles' });
  for (const time of [1_000, 1_005, 1_010, 1_016])
    t.push({ song: 'a', at: time }, { input: 'plays' });
  expect(t.output()).toEqual([1, 1, 1, 0]);
});

test('in tests a value that is given out is frozen', () => {
  const t = bench({ after: 10 });
  t.push(at('a', 1, (value) => value.set([1] as never)));
  const change = (value: Value): void => void (value.get() as unknown as number[]).push(2);
  expect(() => t.push(at('a', 1, change))).toThrow('USER_FUNCTION_FAILED');
});

test('a read that moves no stamp is no change, one that does is', () => {
  const declaration = declare({ after: 10, update: 'onReadAndWrite' });
  const spec = cellsSpec({ it: declaration });
  const store = new KeyedStore<Cells>({ spec, maxParallelism: 128, durable: true });
  const cursor = new SlotCursor(store, { isGuarded: true, watermark: () => 90, now: () => 0 });
  const value = declaration.handle(cursor, 0);
  const changedBy = (timestamp: number, act: () => void): number => {
    cursor.point(store.slot('a'), timestamp);
    act();
    const { size } = store.freeze(() => undefined);
    store.thaw();
    return size;
  };
  expect(changedBy(100, () => value.set(1))).toBe(1);
  expect(changedBy(100, () => value.get())).toBe(0);
  expect(changedBy(95, () => value.get())).toBe(0);
  expect(changedBy(105, () => value.get())).toBe(1);
  expect(spec.pack(cursor.cells)).toEqual(new Map([[['it'], [105, 1]]]));
});

describe('a TTL that comes or goes with an update', () => {
  const plain = build(valueState<number>());
  const stamped = build(declare({ after: 10 }));

  test('keeps the values, which count from when they are first looked at', () => {
    const old = testHarness(plain);
    old.push(at('a', 100, set(1)));
    const cut = old.checkpoint();
    const t = testHarness(stamped).restore({ ...cut, actions: 0, outputs: 0 });
    expect(t.state('x', 'a')).toEqual({ it: [NaN, 1] });
    t.push(at('b', 105, get)).push(at('a', 108, get));
    expect(t.state('x', 'a')).toEqual({ it: [99, 1] });
    t.watermark(109).push(at('a', 110, get));
    expect(t.output()).toEqual(['none', 1, 'none']);
  });

  test('and takes the stamps away again', () => {
    const old = testHarness(stamped);
    old.push(at('a', 100, set(1)));
    const t = testHarness(plain).restore({ ...old.checkpoint(), actions: 0, outputs: 0 });
    t.watermark(1e6).push(at('a', 0, get));
    expect(t.output()).toEqual([1]);
    expect(t.state('x', 'a')).toEqual({ it: 1 });
  });
});

test('adding to an expired value begins anew, unless it may still be seen', () => {
  for (const [visibility, expected] of [
    ['neverReturnExpired', [5]],
    ['returnExpiredIfNotCleanedUp', [12]],
  ] as const) {
    const total = reducingState<number>((a, b) => a + b, {
      ttl: { after: 10, time: 'processing', visibility, cleanup: 'none' },
    });
    const t = testHarness(
      pipeline('p', unchecked<number>(), (numbers) =>
        numbers.pipe(
          keyBy(() => 'all'),
          process({
            uid: 'x',
            state: { total },
            element(n, { state }) {
              state.total.add(n);
              return n === 5 ? [state.total.get()] : [];
            },
          }),
        ),
      ),
    );
    t.push(7).advance(10);
    t.push(5);
    expect(t.output()).toEqual(expected);
  }
});

function declare(ttl: TtlOptions, initial?: number): StateDeclaration<Value> {
  return valueState<number | undefined>(initial, { ttl });
}

function build(it: StateDeclaration<Value>, onTimer?: Call['run']) {
  const emitted = (result: unknown): unknown[] => (result === undefined ? [] : [result]);
  return pipeline('p', unchecked<Call>(), (calls) =>
    calls.pipe(
      eventTime({ timestamp: (call) => call.at, every: 0 }),
      keyBy((call) => call.key),
      process({
        uid: 'x',
        state: { it },
        element: ({ run }, context: Context) => emitted(run(context.state.it, context)),
        timer: (_timer, context: Context) => emitted(onTimer?.(context.state.it, context)),
      }),
    ),
  );
}

function bench(ttl: TtlOptions, initial?: number, onTimer?: Call['run']) {
  return testHarness(build(declare(ttl, initial), onTimer));
}

function at(key: string, time: number, run: Call['run']): Call {
  return { key, at: time, run };
}
