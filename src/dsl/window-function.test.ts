import { describe, expect, test } from 'vitest';
import {
  count,
  defineTrigger,
  elements,
  eventTime,
  keyBy,
  outputTag,
  pipeline,
  session,
  triggers,
  tumbling,
  unchecked,
  window,
  type Pipeline,
  type WindowContext,
  type WindowSpec,
} from '../index.js';
import { testHarness, type TestHarness } from '../testing/index.js';

interface Play {
  readonly key: string;
  readonly at: number;
}

type Harness = TestHarness<{ input: Play }, { output: unknown }>;
type Context = WindowContext<string>;

const spec = tumbling({ size: 10 });

describe('the function of a window', () => {
  test.each([
    ['slices', spec, {}],
    ['running sessions', session({ gap: 6 }), {}],
    ['a record per window', spec, { trigger: triggers.eventTime() }],
  ] as const)('sees value, key, window and times: %s', (_name, windows, more) => {
    const seen: unknown[] = [];
    const t = harness(windows, {
      ...more,
      process(value: number, { key, window: { start, end }, watermark, now }: Context) {
        seen.push([value, key, start, end, watermark, now]);
        return [];
      },
    });
    t.push(play('a', 0)).push(play('a', 4)).push(play('b', 3)).advance(7).watermark(12);
    const end = windows.kind === 'session' ? { a: 10, b: 9 } : { a: 10, b: 10 };
    const start = windows.kind === 'session' ? { a: 0, b: 3 } : { a: 0, b: 0 };
    expect(seen).toHaveLength(2);
    expect(seen).toContainEqual([2, 'a', start.a, end.a, 12, 7]);
    expect(seen).toContainEqual([1, 'b', start.b, end.b, 12, 7]);
  });

  test('emits what it returns, with the last time of the window', () => {
    const t = harness(spec, { process: (value: number) => [value, -value] });
    t.push(play('a', 3)).push(play('a', 4)).watermark(9);
    expect(t.records()).toEqual([
      { value: 2, timestamp: 9 },
      { value: -2, timestamp: 9 },
    ]);
  });

  test.each([
    ['nothing', () => undefined, []],
    ['an empty array', () => [], []],
    ['a set', () => new Set([1, 2]), [1, 2]],
    ['a generator', () => counting(), [1, 2]],
  ])('may return %s', (_name, process, expected) => {
    const t = harness(spec, { process });
    t.push(play('a', 1)).watermark(9);
    expect(t.output()).toEqual(expected);
  });

  test('is called each time a window fires, also for late elements', () => {
    const t = harness(spec, {
      allowedLateness: 5,
      process: (value: number, { watermark }: Context) => [[value, watermark]],
    });
    t.push(play('a', 1)).watermark(9).push(play('a', 2)).push(play('a', 3));
    expect(t.output()).toEqual([
      [1, 9],
      [2, 9],
      [3, 9],
    ]);
  });

  test('what it throws is named by operator, key and window, and nothing has been emitted', () => {
    const t = harness(spec, {
      *process() {
        yield 1;
        throw new Error('deep');
      },
    });
    t.push(play('a', 1));
    expect(() => t.watermark(9)).toThrow(
      /USER_FUNCTION_FAILED.*deep.*operator "w", key "a", timestamp 9, window "w" key "a" time 9/,
    );
    expect(t.output()).toEqual([]);
  });

  test.each([
    ['a promise', (() => Promise.resolve([1])) as never, 'USER_FUNCTION_ASYNC'],
    ['a number', (() => 1) as never, /an array, another iterable, or nothing, got 1.*"w"/],
    ['null', (() => null) as never, /an array, another iterable, or nothing, got null/],
  ])('may not return %s', (_name, process, message) => {
    const t = harness(spec, { process });
    t.push(play('a', 1));
    expect(() => t.watermark(9)).toThrow(message);
  });

  test('a trigger fires in the middle, and its window is asked by the time of the element', () => {
    const seen: unknown[] = [];
    const trigger = defineTrigger<Play>({ name: 'each', element: () => 'fire' });
    const t = testHarness(
      windowed(
        spec,
        {
          trigger,
          process: (value: readonly Play[], { watermark }: Context) => {
            seen.push([value.length, watermark]);
          },
        },
        elements(),
      ),
    );
    t.push(play('a', 1)).watermark(4).push(play('a', 2));
    expect(seen).toEqual([
      [1, -Infinity],
      [2, 4],
    ]);
  });
});

describe('side outputs', () => {
  const odd = outputTag<number>('odd');

  test('are sent with the last time of the window, beside the result', () => {
    const p = pipeline('p', unchecked<Play>(), (plays) => {
      const counted = plays.pipe(
        eventTime({ timestamp: ({ at }) => at }),
        keyBy(({ key }) => key),
        window(spec, count(), {
          uid: 'w',
          sides: [odd],
          process(value, context) {
            if (value % 2 === 1) context.side(odd, value);
            return [value];
          },
        }),
      );
      return { all: counted, odd: counted.side(odd) };
    });
    const t = testHarness(p);
    t.push(play('a', 1)).push(play('b', 1)).push(play('b', 2)).watermark(9);
    expect(t.output('all')).toEqual([1, 2]);
    expect(t.records('odd')).toEqual([{ value: 1, timestamp: 9 }]);
  });

  test('do not get in the way of that for late elements', () => {
    const late = outputTag<Play>('late');
    const t = harness(spec, {
      late,
      sides: [odd],
      process(value: number, context: Context) {
        context.side(odd, value);
      },
    });
    t.push(play('a', 1)).watermark(9).push(play('a', 2));
    expect([t.side(odd), t.side(late), t.output()]).toEqual([[1], [play('a', 2)], []]);
  });

  test('must be declared', () => {
    const t = harness(spec, {
      process: (_value: number, context: Context) => context.side(odd, 1),
    });
    t.push(play('a', 1));
    expect(() => t.watermark(9)).toThrow(/OUTPUT_UNKNOWN.*"odd".*operator "w"/);
  });
});

function windowed(
  windows: WindowSpec<Play>,
  options: object,
  aggregator: unknown = count(),
): Pipeline<Play, unknown> {
  return pipeline('p', unchecked<Play>(), (plays) =>
    plays.pipe(
      eventTime({ timestamp: ({ at }) => at, outOfOrderness: '1d' }),
      keyBy(({ key }) => key),
      window(windows, aggregator as never, { ...options, uid: 'w' } as never),
    ),
  ) as unknown as Pipeline<Play, unknown>;
}

function harness(windows: WindowSpec<Play>, options: object): Harness {
  return testHarness(windowed(windows, options)) as never;
}

function* counting(): Generator<number> {
  yield 1;
  yield 2;
}

function play(key: string, at: number): Play {
  return { key, at };
}
