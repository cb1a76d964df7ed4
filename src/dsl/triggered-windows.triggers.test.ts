import { describe, expect, test } from 'vitest';
import {
  defineTrigger,
  elements,
  eventTime,
  evictors,
  globalWindow,
  keyBy,
  map,
  pipeline,
  sliding,
  sum,
  triggers,
  tumbling,
  unchecked,
  window,
  type Trigger,
  type TriggerContext,
  type WindowSpec,
} from '../index.js';
import { testHarness, verifyOperator, type CaseStep } from '../testing/index.js';
import type { Evictor } from '../time/evictors.js';

const spec = tumbling({ size: 10 });
const push = (n: number): CaseStep<number> => ({ push: n });
const watermark = (time: number): CaseStep<number> => ({ watermark: time });
const advance = (ms: number): CaseStep<number> => ({ advance: ms });

describe('each trigger of Flink gives the same five ways, and leaves nothing', () => {
  const cases: Readonly<
    Record<
      string,
      readonly [Trigger<number, never>, readonly CaseStep<number>[], readonly string[]]
    >
  > = {
    eventTime: [
      triggers.eventTime() as never,
      [push(1), push(12), push(3), watermark(9), push(14), watermark(30)],
      ['[0,10) 1 3', '[10,20) 12 14'],
    ],
    processingTime: [
      triggers.processingTime() as never,
      [push(1), push(12), advance(9), push(3), advance(5), advance(30), watermark(30)],
      ['[0,10) 1', '[0,10) 1 3', '[10,20) 12'],
    ],
    count: [
      triggers.count(2) as never,
      [push(1), push(12), push(3), push(4), push(5), push(6), watermark(30)],
      ['[0,10) 1 3', '[0,10) 1 3 4 5'],
    ],
    'purging count': [
      triggers.purging(triggers.count(2)) as never,
      [push(1), push(12), push(3), push(4), push(5), push(6), watermark(30)],
      ['[0,10) 1 3', '[0,10) 4 5'],
    ],
    continuousEventTime: [
      triggers.continuousEventTime(4) as never,
      [push(1), watermark(4), push(5), watermark(8), watermark(9), push(11), watermark(30)],
      ['[0,10) 1', '[0,10) 1 5', '[0,10) 1 5', '[10,20) 11', '[10,20) 11', '[10,20) 11'],
    ],
    continuousProcessingTime: [
      triggers.continuousProcessingTime(4) as never,
      [advance(3), push(1), advance(1), push(2), advance(4), advance(1), push(3), advance(50)],
      ['[0,10) 1', '[0,10) 1 2', '[0,10) 1 2'],
    ],
    delta: [
      triggers.delta<number>({ threshold: 2, delta: (a, b) => b - a }) as never,
      [push(1), push(3), push(4), push(6), push(7), watermark(30)],
      ['[0,10) 1 3 4', '[0,10) 1 3 4 6 7'],
    ],
    timeout: [
      triggers.timeout(triggers.count(3), { after: 20 }) as never,
      [push(1), push(2), advance(20), push(3), push(4), push(5), advance(40)],
      ['[0,10) 1 2', '[0,10) 1 2 3 4 5'],
    ],
    never: [triggers.never() as never, [push(1), push(2), watermark(30), advance(50)], []],
  };

  test.each(Object.keys(cases))('%s', (name) => {
    const [trigger, steps, expected] = cases[name] ?? [];
    verifyOperator(texts(spec, { trigger }), {
      steps: [...(steps ?? []), watermark(100), advance(100)],
      // What lies in the window at its clean-up is a time-out like any other.
      expect: name === 'timeout' ? [...(expected ?? []), '[0,10) 1 2 3 4 5'] : (expected ?? []),
    });
  });
});

describe('a trigger of your own', () => {
  /** Fires when what it has seen in the window adds up to ten, and at the end if something is left. */
  const atTen = defineTrigger<number, { sum: number }>({
    name: 'atTen',
    create: () => ({ sum: 0 }),
    element(n, context) {
      context.setEventTime(context.maxTimestamp);
      context.state.sum += n;
      if (context.state.sum < 10) return 'continue';
      context.state = { sum: 0 };
      return 'fireAndPurge';
    },
    eventTime: () => 'fire',
    clear: (context) => context.deleteEventTime(context.maxTimestamp),
  });

  test('remembers a value per key and window, set anew or changed in place, across crashes', () => {
    verifyOperator(texts(sliding({ size: 10, slide: 5 }), { trigger: atTen }), {
      steps: [push(1), push(6), push(7), push(8), push(2), watermark(100)],
      expect: ['[5,15) 6 7', '[0,10) 1 6 7', '[0,10) 8 2', '[-5,5) 1 2', '[5,15) 8'],
    });
  });

  test('is shown the window, the element, the watermark and the clock', () => {
    const seen: unknown[] = [];
    const t = testHarness(
      texts(spec, {
        trigger: defineTrigger<number>({
          name: 'looks',
          element(n, { window: { start, end }, maxTimestamp, timestamp, watermark: w, now }) {
            seen.push([n, start, end, maxTimestamp, timestamp, w, now]);
            return 'continue';
          },
          eventTime(time, { timestamp, watermark: w }) {
            seen.push(['timer', time, timestamp, w]);
            return 'continue';
          },
        }),
      }),
    );
    t.advance(70).watermark(2).push(3).watermark(15);
    expect(seen[0]).toEqual([3, 0, 10, 9, 3, 2, 70]);
    expect(seen.slice(1)).toEqual([['timer', 9, NaN, 15]]);
  });

  test('on a window without an end is shown one from -Infinity to Infinity', () => {
    const seen: unknown[] = [];
    const trigger = defineTrigger<number>({
      name: 'looks',
      element(_n, { window: bounds, maxTimestamp }) {
        seen.push(bounds, maxTimestamp);
        return 'continue';
      },
    });
    testHarness(texts(globalWindow(), { trigger })).push(1);
    expect(seen).toEqual([{ start: -Infinity, end: Infinity }, Infinity]);
  });

  test('sees its timers in the order of their times, and may set more on the way', () => {
    const times: number[] = [];
    const chain = defineTrigger<number>({
      name: 'chain',
      element(_n, context) {
        for (const time of [6, 2, 4, 2]) context.setEventTime(time);
        return 'continue';
      },
      eventTime(time, context) {
        times.push(time);
        if (time === 2) context.setEventTime(3);
        if (time === 3) context.deleteEventTime(4);
        return 'continue';
      },
    });
    const t = testHarness(texts(spec, { trigger: chain }));
    t.push(1).watermark(8);
    expect(times).toEqual([2, 3, 6]);
    expect(t.watermark(9).timers()).toBe(0);
  });

  test('of windows of event time may go by the clock, until the window goes', () => {
    const soon = defineTrigger<number>({
      name: 'soon',
      element(_n, context) {
        context.setProcessingTime(context.now + 5);
        return 'continue';
      },
      processingTime: () => 'fire',
    });
    const t = testHarness(texts(spec, { trigger: soon }));
    t.push(1).advance(5).push(2).push(12).watermark(9);
    expect(t.timers()).toBe(2);
    t.advance(5).watermark(50);
    expect([t.output(), t.stateSize(), t.timers()]).toEqual([['[0,10) 1', '[10,20) 12'], 0, 0]);
  });

  test('may purge what is empty already, and says nothing by firing it', () => {
    const always = defineTrigger<number>({
      name: 'always',
      element: (_n, context) => {
        context.setEventTime(5);
        return 'fireAndPurge';
      },
      eventTime: () => 'fireAndPurge',
    });
    const t = testHarness(texts(spec, { trigger: always }));
    t.push(1).watermark(9);
    expect([t.output(), t.stateSize(), t.timers()]).toEqual([['[0,10) 1'], 0, 0]);
  });

  test.each([undefined, 'FIRE', true, null])(
    'must answer with one of four words, not %s',
    (answer) => {
      const element = defineTrigger<number>({ name: 'odd', element: () => answer as never });
      expect(() => testHarness(texts(spec, { trigger: element })).push(1)).toThrow(
        /USER_FUNCTION_FAILED.*'continue', 'fire', 'purge' or 'fireAndPurge'.*operator "w", key "k"/,
      );
      const timer = defineTrigger<number>({
        name: 'odd',
        element(_n, context) {
          context.setProcessingTime(5);
          return 'continue';
        },
        processingTime: () => answer as never,
      });
      expect(() =>
        testHarness(texts(spec, { trigger: timer }))
          .push(1)
          .advance(5),
      ).toThrow('USER_FUNCTION_FAILED');
    },
  );

  test('must answer at once', () => {
    const later = defineTrigger<number>({
      name: 'later',
      element: (() => Promise.resolve('fire')) as never,
    });
    expect(() => testHarness(texts(spec, { trigger: later })).push(1)).toThrow(
      'USER_FUNCTION_ASYNC',
    );
  });

  test.each(['create', 'element', 'eventTime', 'processingTime', 'clear'])(
    'that throws in %s is named by operator, key and cause',
    (part) => {
      const broken = (): never => {
        throw new Error(`deep in ${part}`);
      };
      const trigger = defineTrigger<number>({
        name: 'broken',
        element(_n: number, context: TriggerContext<undefined>) {
          context.setProcessingTime(5);
          return 'continue';
        },
        [part]: broken,
      } as never);
      const t = testHarness(texts(spec, { trigger }));
      expect(() => t.push(1).advance(5).watermark(9)).toThrow(
        new RegExp(`USER_FUNCTION_FAILED.*deep in ${part}.*operator "w", key "k"`),
      );
    },
  );
});

describe('an evictor', () => {
  const run = (evictor: Evictor<number>, options: object = {}): string[] => {
    const t = testHarness(texts(spec, { evictor, trigger: triggers.count(2), ...options }));
    for (const n of [1, 9, 3, 4, 2, 8]) t.push(n);
    return t
      .watermark(9)
      .output()
      .map((text) => text.replace('[0,10) ', ''));
  };

  test('before the function throws out for good what the function does not see', () => {
    expect(run(evictors.count(3))).toEqual(['1 9', '9 3 4', '4 2 8']);
    expect(run(evictors.time(6))).toEqual(['9', '9 4', '9 4 8']);
    expect(run(evictors.delta({ threshold: 2, delta: (a, b) => b - a }))).toEqual([
      '9',
      '9 3 4',
      '9 8',
    ]);
  });

  test('behind the function throws out for good what the function has seen', () => {
    expect(run(evictors.count(1, { after: true }))).toEqual(['1 9', '9 3 4', '4 2 8']);
    expect(run(evictors.time(6, { after: true }))).toEqual(['1 9', '9 3 4', '9 4 2 8']);
  });

  test('that empties the window lets it fire once, then not before new elements come', () => {
    const none: Evictor<number> = { name: 'none', when: 'before', keep: () => [] };
    expect(run(none, { trigger: triggers.eventTime() })).toEqual(['']);
    const t = testHarness(
      texts(spec, { evictor: none, trigger: triggers.eventTime(), allowedLateness: 5 }),
    );
    t.push(1).watermark(9).push(2);
    expect(t.output()).toEqual(['[0,10) ', '[0,10) ']);
    expect([t.watermark(14).stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('that empties the window behind the function leaves nothing for the next firing', () => {
    const none: Evictor<number> = { name: 'none', when: 'after', keep: () => [] };
    expect(run(none)).toEqual(['1 9', '3 4', '2 8']);
    expect(run(none, { trigger: triggers.continuousEventTime(4) })).toEqual(['1 9 3 4 2 8']);
  });

  test('sees all elements with their times, in arrival order, and may choose any', () => {
    const seen: unknown[] = [];
    const odd: Evictor<number> = {
      name: 'odd',
      when: 'before',
      keep(all) {
        seen.push(all.map(({ value, timestamp }) => [value, timestamp]));
        return all.filter(({ value }) => value % 2 === 1);
      },
    };
    expect(run(odd, { trigger: triggers.eventTime() })).toEqual(['1 9 3']);
    expect(seen).toEqual([[1, 9, 3, 4, 2, 8].map((n) => [n, n])]);
  });

  test('stands before the default trigger too, and its windows survive crashes', () => {
    verifyOperator(texts(sliding({ size: 10, slide: 5 }), { evictor: evictors.count(1) }), {
      steps: [push(1), push(6), push(7), watermark(4), push(3), watermark(100)],
      expect: ['[-5,5) 1', '[0,10) 3', '[5,15) 7'],
    });
  });

  test.each(['before', 'after'] as const)(
    'that throws, %s, is named by operator and key',
    (when) => {
      const broken: Evictor<number> = {
        name: 'broken',
        when,
        keep: () => {
          throw new Error('deep');
        },
      };
      expect(() => run(broken)).toThrow(/USER_FUNCTION_FAILED.*deep.*operator "w", key "k"/);
    },
  );
});

describe('an aggregator that throws', () => {
  test('is named by operator, key and window', () => {
    const numbers = sum((n: number) => (n === 5 ? ('five' as never) : n));
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
        keyBy(() => 'k'),
        window(spec, numbers, { uid: 'w', trigger: triggers.eventTime() }),
      ),
    );
    expect(() => testHarness(p).push(1).push(5)).toThrow(
      /expected a number, got "five".*operator "w", key "k", timestamp 5, input element 2/,
    );
  });
});

function texts(
  windows: WindowSpec<number>,
  options: object,
): Parameters<typeof verifyOperator<number, string>>[0] {
  return pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, outOfOrderness: '1d', allowNegative: true }),
      keyBy(() => 'k'),
      window(windows, elements<number>(), { ...options, uid: 'w' }),
      map(({ window: { start, end }, value }) => `[${start},${end}) ${value.join(' ')}`),
    ),
  );
}
