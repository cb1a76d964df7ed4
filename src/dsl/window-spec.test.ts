import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  TidemarkError,
  count,
  countWindow,
  defineTrigger,
  elements,
  eventTime,
  evictors,
  globalWindow,
  keyBy,
  outputTag,
  session,
  sliding,
  stream,
  sum,
  triggers,
  tumbling,
  valueState,
  window,
  windowAll,
  type WindowSpec,
} from '../index.js';
import type { Aggregator } from './aggregators.js';
import { checkWindow, type AnyWindowOptions, type CheckedWindow } from './window-spec.js';

const late = outputTag<never>('late');
const byTime = tumbling({ size: '10s' });
const byClock = tumbling({ size: '10s', time: 'processing' });
const notOfEventTime: readonly (readonly [string, WindowSpec<never>])[] = [
  ['tumbling 10s of processing time', byClock],
  ['sliding 1h / 5m of processing time', sliding({ size: '1h', slide: '5m', time: 'processing' })],
  ['session, gap 30s of processing time', session({ gap: '30s', time: 'processing' })],
  ['global window', globalWindow()],
  ['count 3 / 3', countWindow({ size: 3 })],
];

describe('refused as a contradiction, with both sides named', () => {
  test.each(notOfEventTime)('lateness on: %s', (name, spec) => {
    for (const [option, value] of [
      ['allowedLateness', '1s'],
      ['allowedLateness', 0],
      ['late', late],
    ] as const)
      expect(refusal(spec, { [option]: value, unbounded: true })).toMatchObject({
        code: 'WINDOW_CONTRADICTION',
        expected: `${option} only on windows of event time`,
        got: `${option} on ${name}`,
        where: 'window "w"',
      });
  });

  test.each([
    ['tumbling', byTime],
    ['session', session({ gap: 5 })],
    ['count', countWindow({ size: 3, slide: 1 })],
  ])('an evictor over a running value, on windows of kind %s', (_name, spec) => {
    expect(refusal(spec, { evictor: evictors.count(2) })).toMatchObject({
      code: 'WINDOW_CONTRADICTION',
      expected: 'an aggregator that keeps its elements, such as elements(), under an evictor',
      got: 'the aggregator count, which keeps a running value',
    });
    expect(refusal(spec, { evictor: evictors.count(2) }, elements())).toBeUndefined();
  });

  test('a trigger that cannot merge, on sessions', () => {
    const spec = session({ gap: 5 });
    const mine = defineTrigger({ name: 'mine', element: () => 'fire' });
    expect(refusal(spec, { trigger: mine })).toMatchObject({
      code: 'WINDOW_CONTRADICTION',
      expected: 'a trigger with `merge` on session windows',
      got: 'the trigger mine',
    });
    expect(refusal(byTime, { trigger: mine })).toBeUndefined();
    expect(refusal(spec, { trigger: { ...mine, merge: () => undefined } })).toBeUndefined();
    for (const trigger of [
      triggers.timeout(triggers.eventTime(), { after: 1 }),
      triggers.purging(triggers.delta({ threshold: 1, delta: () => 0 })),
    ])
      expect(refusal(spec, { trigger: trigger as never })?.got).toBe(`the trigger ${trigger.name}`);
    for (const trigger of [
      triggers.eventTime(),
      triggers.processingTime(),
      triggers.count(2),
      triggers.continuousEventTime(1),
      triggers.continuousProcessingTime(1),
      triggers.purging(triggers.count(2)),
      triggers.never(),
    ])
      expect(refusal(spec, { trigger: trigger as never })).toBeUndefined();
  });

  test('states of a window, on sessions; those of a key are fine there', () => {
    const process = (value: unknown): unknown[] => [value];
    const states = { seen: valueState(0), told: valueState(0) };
    expect(refusal(session({ gap: 5 }), { process, windowState: states })).toMatchObject({
      code: 'WINDOW_CONTRADICTION',
      expected: 'no windowState on session windows',
      got: expect.stringMatching(/seen.*told/),
    });
    expect(refusal(session({ gap: 5 }), { process, keyState: states })).toBeUndefined();
    expect(refusal(byTime, { process, windowState: states })).toBeUndefined();
  });

  test.each(['windowState', 'keyState'])('%s without a function that would use it', (option) => {
    expect(refusal(byTime, { [option]: { seen: valueState(0) } })).toMatchObject({
      code: 'WINDOW_CONTRADICTION',
      expected: 'a function `process` that uses the declared states',
      got: 'states without it',
    });
  });
});

describe('refused as unbounded, unless `unbounded: true` says that it is meant', () => {
  const never = defineTrigger<unknown>({ name: 'mute', fires: false });

  test.each([
    ['a global window under its default trigger', globalWindow(), {}],
    ['a global window under a trigger that never fires', globalWindow(), { trigger: never }],
    [
      'count windows under a trigger that never fires',
      countWindow({ size: 2 }),
      { trigger: never },
    ],
    [
      'windows that never go under a trigger that never fires',
      byTime,
      { trigger: triggers.never(), allowedLateness: Infinity },
    ],
    ['lateness without end', byTime, { allowedLateness: Infinity }],
    ['sessions of lateness without end', session({ gap: 5 }), { allowedLateness: Infinity }],
  ] as const)('%s', (_name, spec, options) => {
    expect(refusal(spec, options)).toMatchObject({
      code: 'WINDOW_UNBOUNDED',
      where: 'window "w"',
      hint: expect.stringContaining('`unbounded: true`'),
    });
    expect(refusal(spec, { ...options, unbounded: false })?.code).toBe('WINDOW_UNBOUNDED');
    expect(refusal(spec, { ...options, unbounded: true })).toBeUndefined();
  });

  test('but not a window that ends, under a trigger that never fires', () => {
    expect(refusal(byTime, { trigger: never })).toBeUndefined();
    expect(refusal(byClock, { trigger: triggers.never() })).toBeUndefined();
  });

  test('nor a window without an end, under a trigger that fires', () => {
    expect(refusal(globalWindow(), { trigger: triggers.count(5) as never })).toBeUndefined();
    expect(refusal(countWindow({ size: 2 }), {})).toBeUndefined();
  });

  test('the two cases say different things', () => {
    expect(refusal(globalWindow(), {})?.expected).toBe(
      'a trigger that fires, on a window that never ends',
    );
    expect(refusal(byTime, { allowedLateness: Infinity })).toMatchObject({
      expected: 'a bound on how long windows are kept',
      got: 'allowedLateness: Infinity',
    });
  });
});

describe('refused as wrong', () => {
  test.each([-1, 1.5, NaN, -Infinity, '1 hour', 'soon'])('%s as a lateness', (lateness) => {
    expect(refusal(byTime, { allowedLateness: lateness as never })).toMatchObject({
      code: 'DURATION_INVALID',
      where: 'allowedLateness of window "w"',
    });
  });

  test('a process function that is async, or no function', () => {
    const wrong = (process: unknown): string | undefined => refusal(byTime, { process })?.message;
    expect(wrong(async () => [])).toMatch(/USER_FUNCTION_ASYNC.*process of window "w"/);
    expect(wrong(async function* () {})).toMatch(/USER_FUNCTION_ASYNC.*process of window "w"/);
    expect(wrong('emit')).toMatch(/OPTIONS_INVALID.*a function.*process of window "w"/);
  });

  test('at windowAll as at window', () => {
    expect(() => windowAll(globalWindow(), count(), { uid: 'all' })).toThrow(
      /WINDOW_UNBOUNDED.*window "all"/,
    );
    expect(() => windowAll(byClock, count(), { uid: 'all', allowedLateness: '1s' })).toThrow(
      'WINDOW_CONTRADICTION',
    );
  });

  test('when it is piped: windows of event time on a stream without it', () => {
    const keyed = stream(of(1)).pipe(keyBy((n) => n));
    for (const spec of [byTime, session({ gap: 5 })])
      expect(() => keyed.pipe(window(spec, count(), { uid: 'w' }))).toThrow('TIME_MISSING');
    for (const spec of [byClock, countWindow({ size: 2 })])
      expect(() => keyed.pipe(window(spec, count(), { uid: 'w' }))).not.toThrow();
  });

  test('when it is piped: a state that expires by event time on a stream without it', () => {
    const state = { seen: valueState(0, { ttl: { after: '1h' } }) };
    const step = window(countWindow({ size: 2 }), count(), {
      uid: 'w',
      process: (value: number) => [value],
      keyState: state,
    });
    expect(() =>
      stream(of(1)).pipe(
        keyBy(() => 'k'),
        step,
      ),
    ).toThrow('TIME_MISSING');
    const timed = of(1).pipe(eventTime({ timestamp: (n) => n }));
    expect(() =>
      timed.pipe(
        keyBy(() => 'k'),
        step as never,
      ),
    ).not.toThrow();
  });
});

describe('a window that has been checked', () => {
  const all: readonly (readonly [WindowSpec<never>, AnyWindowOptions, string, string])[] = [
    [byTime, options(), 'tumbling 10s, sum', '10000/10000+0 sum'],
    [byClock, options(), 'tumbling 10s of processing time, sum', '10000/10000+0 processing sum'],
    [
      sliding({ size: '1h', slide: '5m', offset: -7 }),
      options({ allowedLateness: '30s' }),
      'sliding 1h / 5m, sum, 30s late',
      '3600000/300000+-7 sum',
    ],
    [
      session({ gap: '30s' }),
      options({ trigger: triggers.count(3) as never }),
      'session, gap 30s, sum, trigger count 3',
      'session event sum, trigger count 3',
    ],
    [session({ gap: () => 1 }), options(), 'session, gap dynamic, sum', 'session event sum'],
    [
      session({ gap: 5, time: 'processing' }),
      options(),
      'session, gap 5ms of processing time, sum',
      'session processing sum',
    ],
    [globalWindow(), options({ unbounded: true }), 'global window, sum', 'global sum'],
    [countWindow({ size: 5, slide: 2 }), options(), 'count 5 / 2, sum', 'count 5/2 sum'],
  ];

  test.each(all)('%o is summed up for explain, and by what its state depends on', (...given) => {
    const [spec, chosen, summary, shape] = given;
    const checked = checkWindow(
      spec,
      sum(() => 1) as Aggregator<never, unknown, unknown>,
      chosen,
      'w',
    );
    expect(checked.summary).toBe(summary);
    // The choice of an operator may be part of the shape; what the options say must be.
    expect(checked.shape).toContain(shape);
  });

  test('says which trigger and evictor there are', () => {
    const given = {
      trigger: triggers.purging(triggers.count(2)) as never,
      evictor: evictors.time('1s'),
      allowedLateness: Infinity,
      unbounded: true,
    };
    const { summary, shape } = check(byTime, given, elements());
    expect(summary).toBe(
      'tumbling 10s, elements, trigger purging count 2, evictor time 1000, Infinity late',
    );
    expect(shape).toContain('10000/10000+0 elements, trigger purging count 2, evictor time 1000');
  });

  test('fires by default only under no trigger, no evictor, and event time', () => {
    const isDefault = (spec: WindowSpec<never>, more: Partial<AnyWindowOptions> = {}): boolean =>
      check(spec, more, elements()).firesByDefault;
    expect(isDefault(byTime)).toBe(true);
    expect(isDefault(session({ gap: 5 }), { allowedLateness: 5 })).toBe(true);
    expect(isDefault(byTime, { trigger: triggers.eventTime() as never })).toBe(false);
    expect(isDefault(byTime, { evictor: evictors.count(1) })).toBe(false);
    expect(isDefault(byClock)).toBe(false);
    expect(isDefault(countWindow({ size: 2 }))).toBe(false);
    expect(isDefault(globalWindow(), { unbounded: true })).toBe(false);
  });

  test.each([
    ['tumbling', byTime, 'eventTime', undefined],
    ['session', session({ gap: 5 }), 'eventTime', undefined],
    ['of processing time', byClock, 'processingTime', undefined],
    ['count', countWindow({ size: 4 }), 'purging count 4', undefined],
    ['count with a slide', countWindow({ size: 4, slide: 2 }), 'count 2', 'count 4'],
    ['global', globalWindow(), 'never', undefined],
  ] as const)(
    '%s windows have the default trigger and evictor of Flink',
    (_n, spec, trigger, evictor) => {
      const checked = check(spec, { unbounded: true });
      expect([checked.trigger.name, checked.evictor?.name]).toEqual([trigger, evictor]);
    },
  );

  test('knows the windows of an element', () => {
    const windows = (spec: WindowSpec<never>): unknown =>
      check(spec, { unbounded: true }).windowsOf(7, 12);
    expect(windows(sliding({ size: 10, slide: 5 }))).toEqual([
      { start: 10, end: 20 },
      { start: 5, end: 15 },
    ]);
    expect(windows(session<number>({ gap: (n) => n as never }))).toEqual([{ start: 12, end: 19 }]);
    expect(windows(globalWindow())).toEqual([{ start: -Infinity, end: Infinity }]);
    expect(windows(countWindow({ size: 3 }))).toEqual([{ start: -Infinity, end: Infinity }]);
  });
});

function options(more: Partial<AnyWindowOptions> = {}): AnyWindowOptions {
  return { uid: 'w', ...more };
}

function check(
  spec: WindowSpec<never>,
  more: Partial<AnyWindowOptions>,
  aggregator: unknown = count(),
): CheckedWindow {
  return checkWindow(spec, aggregator as Aggregator<never, unknown, unknown>, options(more), 'w');
}

/** The error with which a window is refused when it is written down; undefined when it is taken. */
function refusal(
  spec: WindowSpec<never>,
  more: Partial<AnyWindowOptions>,
  aggregator: unknown = count(),
): TidemarkError | undefined {
  try {
    window(spec, aggregator as never, options(more) as never);
    return undefined;
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
}
