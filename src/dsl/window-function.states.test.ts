import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  count,
  countWindow,
  eventTime,
  globalWindow,
  keyBy,
  mapState,
  pipeline,
  session,
  sliding,
  triggers,
  tumbling,
  unchecked,
  valueState,
  window,
  type Pipeline,
  type WindowContext,
  type WindowSpec,
} from '../index.js';
import { testHarness, verifyOperator, type TestHarness } from '../testing/index.js';

interface Play {
  readonly key: string;
  readonly at: number;
}

type Harness = TestHarness<{ input: Play }, { output: unknown }>;

const spec = tumbling({ size: 10 });

const told = { told: valueState(0) };
const times = { times: mapState<number, number>() };

describe('states of a window', () => {
  const counted = (windows: WindowSpec<Play>, more: object = {}): Harness =>
    harness(windows, {
      ...more,
      windowState: told,
      process(
        value: number,
        { key, window: { end }, windowState }: WindowContext<string, typeof told>,
      ) {
        windowState.told.set(windowState.told.get() + 1);
        return [`${key} ${end}: ${value}, told ${windowState.told.get()} times`];
      },
    });

  test('belong to one key and one window', () => {
    const t = counted(sliding({ size: 10, slide: 5 }), { trigger: triggers.count(1) });
    t.push(play('a', 6)).push(play('b', 6)).push(play('a', 11));
    expect(t.output()).toEqual([
      'a 15: 1, told 1 times',
      'a 10: 1, told 1 times',
      'b 15: 1, told 1 times',
      'b 10: 1, told 1 times',
      'a 20: 1, told 1 times',
      'a 15: 2, told 2 times',
    ]);
  });

  test('outlive a purge, and go with the window', () => {
    const t = counted(spec, { trigger: triggers.purging(triggers.count(1)) });
    t.push(play('a', 1)).push(play('a', 2)).watermark(9);
    t.push(play('a', 11));
    expect(t.output()).toEqual([
      'a 10: 1, told 1 times',
      'a 10: 1, told 2 times',
      'a 20: 1, told 1 times',
    ]);
    expect([t.watermark(19).stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('stay as long as a late element may come', () => {
    const t = counted(spec, { allowedLateness: 5 });
    t.push(play('a', 1)).watermark(9).checkpoint();
    t.restore().push(play('a', 2));
    expect(t.output().at(-1)).toBe('a 10: 2, told 2 times');
    expect([t.watermark(14).stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('of a window without an end stay until they are cleared', () => {
    const t = harness(globalWindow(), {
      trigger: triggers.purging(triggers.count(1)),
      windowState: told,
      process(_value: number, { windowState }: WindowContext<string, typeof told>) {
        if (windowState.told.get() === 2) windowState.told.clear();
        else windowState.told.set(windowState.told.get() + 1);
        return [windowState.told.get()];
      },
    });
    t.push(play('a', 1)).push(play('a', 2));
    expect([t.output(), t.stateSize()]).toEqual([[1, 2], 1]);
    t.push(play('a', 3));
    expect([t.output(), t.stateSize()]).toEqual([[1, 2, 0], 0]);
  });
});

describe('states of a key', () => {
  const tally = (windows: WindowSpec<Play>, more: object = {}): Pipeline<Play, unknown> =>
    windowed(windows, {
      ...more,
      keyState: times,
      process(
        value: number,
        { keyState, window: { end } }: WindowContext<string, never, typeof times>,
      ) {
        keyState.times.set(end, (keyState.times.get(end) ?? 0) + value);
        return [[...keyState.times.entries()].map((entry) => entry.join(': ')).join(', ')];
      },
    });

  test.each([
    ['tumbling', spec, ['10: 1', '10: 1, 20: 2']],
    ['session', session({ gap: 5 }), ['6: 1', '6: 1, 19: 2']],
    ['of processing time', tumbling({ size: 10, time: 'processing' }), ['10: 3']],
  ] as const)('are shared by all windows of the key: %s', (_name, windows, expected) => {
    verifyOperator(tally(windows), {
      steps: [
        { push: play('a', 1) },
        { push: play('a', 12) },
        { push: play('a', 14) },
        { watermark: 30 },
        { advance: 30 },
      ],
      expect: expected,
      keysLeft: 1,
    });
  });

  test('are not those of another key', () => {
    const t = testHarness(tally(spec));
    t.push(play('a', 1)).push(play('b', 1)).watermark(9).push(play('b', 11)).watermark(19);
    expect(t.output()).toEqual(['10: 1', '10: 1', '10: 1, 20: 1']);
    expect([t.stateSize(), t.timers()]).toEqual([2, 0]);
  });

  test('go when they are cleared, and the key with them', () => {
    const t = harness(spec, {
      keyState: told,
      process(value: number, { keyState }: WindowContext<string, never, typeof told>) {
        if (value === 2) keyState.told.clear();
        else keyState.told.set(value);
      },
    });
    t.push(play('a', 1)).watermark(9);
    expect(t.stateSize()).toBe(1);
    t.push(play('a', 11)).push(play('a', 12)).watermark(19);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('what was set before a crash is there behind it, once', () => {
    const t = testHarness(tally(spec));
    t.push(play('a', 1)).watermark(9).checkpoint();
    t.push(play('a', 11)).crash().watermark(19);
    t.crash();
    expect(t.output()).toEqual(['10: 1', '10: 1, 20: 1']);
  });

  test('values that states give out are frozen, so that changing them fails loudly', () => {
    const list = { all: valueState<number[]>([]) };
    const t = harness(spec, {
      keyState: list,
      process(value: number, { keyState }: WindowContext<string, never, typeof list>) {
        keyState.all.get().push(value);
      },
    });
    t.push(play('a', 1));
    expect(() => t.watermark(9)).toThrow('USER_FUNCTION_FAILED');
  });
});

describe('states with a time to live', () => {
  const kept = (time: 'event' | 'processing', windows: WindowSpec<Play>): Harness =>
    harness(windows, {
      keyState: { told: valueState(0, { ttl: { after: 100, time } }) },
      process(_value: number, { key, keyState }: WindowContext<string, never, typeof told>) {
        keyState.told.set(keyState.told.get() + 1);
        return [`${key} ${keyState.told.get()}`];
      },
    });

  test('in event time live so long behind the last time of the window that wrote them', () => {
    const t = kept('event', spec);
    t.push(play('a', 1)).watermark(9).push(play('a', 95)).watermark(99);
    expect(t.output()).toEqual(['a 1', 'a 2']);
    t.push(play('a', 191)).watermark(199);
    expect(t.output().slice(2)).toEqual(['a 1']);
  });

  test('are gone for a window that fires late, whatever the watermark leaps over', () => {
    const t = kept('event', spec);
    t.push(play('a', 1)).push(play('a', 95)).push(play('a', 205)).watermark(1_000);
    expect(t.output()).toEqual(['a 1', 'a 2', 'a 1']);
  });

  test.each([
    ['count windows', countWindow({ size: 1 })],
    ['windows of processing time', tumbling({ size: 1_000, time: 'processing' })],
  ] as const)(
    'on %s live so long behind the element or the watermark that wrote them',
    (_name, windows) => {
      const t = kept('event', windows);
      t.watermark(9)
        .push(play('a', 10))
        .advance(1_000)
        .watermark(60)
        .push(play('a', 70))
        .advance(1_000);
      expect(t.output()).toEqual(['a 1', 'a 2']);
      t.watermark(250).push(play('a', 260)).advance(1_000);
      expect(t.output().slice(2)).toEqual(['a 1']);
      t.watermark(1_000);
      for (let at = 1_000; at < 1_005; at += 1) t.push(play('b', at));
      expect(t.state('w', 'a')).toBeUndefined();
    },
  );

  test('by the clock live so long behind the time at which they were written', () => {
    const t = kept('processing', spec);
    t.push(play('a', 1)).watermark(9).advance(99).push(play('a', 11)).watermark(19);
    t.advance(100).push(play('a', 21)).watermark(29);
    expect(t.output()).toEqual(['a 1', 'a 2', 'a 1']);
  });

  test('are swept away by the elements of other keys', () => {
    const t = kept('event', spec);
    for (const key of ['a', 'b', 'c']) t.push(play(key, 1));
    t.watermark(9).push(play('d', 500)).watermark(510);
    for (let at = 520; at < 525; at += 1) t.push(play('d', at));
    expect(t.stateSize()).toBe(1);
  });

  test('are swept away by the present watermark, not by that of the last firing', () => {
    const t = kept('event', spec);
    t.push(play('a', 1)).watermark(50).push(play('b', 600)).watermark(510);
    for (let at = 601; at < 606; at += 1) t.push(play('b', at));
    expect(t.state('w', 'a')).toBeUndefined();
  });

  test('that are swept away in part are so behind a crash, too', () => {
    const t = harness(spec, {
      keyState: { times: mapState<number, number>({ ttl: { after: 100 } }) },
      process(
        value: number,
        { keyState, window: { end } }: WindowContext<string, never, typeof times>,
      ) {
        keyState.times.set(end, value);
      },
    });
    t.push(play('a', 1)).watermark(9).push(play('a', 200)).watermark(209).checkpoint();
    for (let at = 290; at < 295; at += 1) t.push(play('b', at));
    const swept = t.state('w', 'a');
    expect(inspect(swept, { depth: 9 })).toMatch(/210 => 1/);
    expect(inspect(swept, { depth: 9 })).not.toMatch(/ 10 => 1/);
    t.checkpoint();
    t.restore();
    expect(t.state('w', 'a')).toEqual(swept);
  });

  test('a key whose state has expired keeps its open windows', () => {
    const t = kept('event', tumbling({ size: 300 }));
    t.push(play('a', 1)).watermark(299).push(play('a', 450));
    t.watermark(500);
    for (let at = 520; at < 525; at += 1) t.push(play('b', at));
    t.watermark(599);
    expect(t.output()).toEqual(['a 1', 'a 1', 'b 1']);
  });
});

function windowed(windows: WindowSpec<Play>, options: object): Pipeline<Play, unknown> {
  return pipeline('p', unchecked<Play>(), (plays) =>
    plays.pipe(
      eventTime({ timestamp: ({ at }) => at, outOfOrderness: '1d' }),
      keyBy(({ key }) => key),
      window(windows, count(), { ...options, uid: 'w' } as never),
    ),
  ) as unknown as Pipeline<Play, unknown>;
}

function harness(windows: WindowSpec<Play>, options: object): Harness {
  return testHarness(windowed(windows, options)) as never;
}

function play(key: string, at: number): Play {
  return { key, at };
}
