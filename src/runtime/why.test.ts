import { describe, expect, test } from 'vitest';
import {
  defineOperator,
  defineWatermarks,
  eventTime,
  filter,
  keyBy,
  pipeline,
  process,
  unchecked,
  union,
  type DataStream,
  type EventTimeOptions,
  type Pipeline,
  type PipelineDefinition,
} from '../index.js';
import { testHarness } from '../testing/index.js';

interface Play {
  readonly at: number;
  readonly key?: string;
}

/** Waits 60 seconds of event time behind each element. */
function remind(uid: string): (source: DataStream<Play>) => DataStream<number> {
  return (source) =>
    source.pipe(
      keyBy(({ key = 'k' }) => key),
      process({
        uid,
        element: ({ at }: Play, { timers }) => timers.setEventTime(at + 60_000),
        timer: ({ time }) => [time],
      }),
    );
}

const one = (options: Partial<EventTimeOptions<Play>> = {}): Pipeline<Play, number> =>
  pipeline('reminders', unchecked<Play>(), (plays) =>
    plays.pipe(eventTime({ timestamp: ({ at }) => at, every: 0, ...options }), remind('remind')),
  );

/** Two inputs, each with event time of its own, that meet in a union. */
const two = (
  options: Partial<EventTimeOptions<Play>> = {},
): PipelineDefinition<{ web: Play; app: Play }, { output: number }> => {
  const inputs = { web: unchecked<Play>(), app: unchecked<Play>() };
  return pipeline('both', inputs, ({ web, app }) => {
    const timed = eventTime<Play>({ timestamp: ({ at }) => at, every: 0, ...options });
    return web.pipe(timed, union(app.pipe(timed)), remind('remind'));
  });
};

describe('a step that waits', () => {
  test('is named with what waits, what it needs, and how far it is behind', () => {
    const t = testHarness(one());
    t.push({ at: 5_000 }).push({ at: 15_000, key: 'other' });
    expect(t.why().steps).toMatchObject([
      {
        name: 'remind',
        kind: 'process',
        watermark: 14_999,
        waiting: 2,
        needs: 65_000,
        behindMs: 50_001,
        clockTimers: 0,
        keys: 2,
        counters: { received: 2, accepted: 2, late: 0 },
      },
    ]);
  });

  test('waits for an element that is the bound later, and a millisecond', () => {
    const t = testHarness(one({ outOfOrderness: '10s' }));
    t.push({ at: 5_000 });
    const [holder] = t.why().steps[0]?.heldBy ?? [];
    expect(holder).toMatchObject({
      kind: 'split',
      path: ['keyBy', 'eventTime'],
      input: 'input',
      watermark: -5_001,
      highest: 5_000,
      needs: 75_001,
    });
    t.push({ at: 75_000 });
    expect(t.output()).toEqual([]);
    t.push({ at: 75_001 });
    expect(t.output()).toEqual([65_000]);
  });

  test('waits for the next multiple of every', () => {
    const t = testHarness(one({ every: '1m' }));
    t.push({ at: 5_000 }).push({ at: 59_000 });
    const [holder] = t.why().steps[0]?.heldBy ?? [];
    expect(holder).toMatchObject({ watermark: 4_999, highest: 59_000, needs: 65_001 });
    expect(holder?.reason).toContain('in steps of every');
    const other = testHarness(one({ every: '1m' }));
    other.push({ at: 60_000 }).push({ at: 1_000 });
    expect(other.why().steps[0]?.heldBy[0]?.needs).toBe(120_000);
  });

  test('says all of it in words', () => {
    const t = testHarness(one({ outOfOrderness: '10s' }));
    t.push({ at: 5_000 }).push({ at: 20_000 });
    expect(String(t.why())).toBe(
      [
        '2 timers of "remind" wait. The first of them needs watermark 1970-01-01 00:01:05.000; it is at 1970-01-01 00:00:09.999, 55.001s behind.',
        '  Input "input" stands at 1970-01-01 00:00:09.999: its newest element is of 1970-01-01 00:00:20.000, less outOfOrderness 10s.',
        '    It takes an element at or after 1970-01-01 00:01:15.001.',
      ].join('\n'),
    );
  });

  test('waits for the clock too', () => {
    const definition = pipeline('clock', unchecked<Play>(), (plays) =>
      plays.pipe(
        eventTime({ timestamp: ({ at }) => at }),
        keyBy(() => 'k'),
        process({
          uid: 'clock',
          element: (_play, { timers, now }) => timers.setProcessingTime(now + 5_000),
        }),
      ),
    );
    const t = testHarness(definition);
    t.push({ at: 1 }).advance(2_000);
    expect(t.why().steps[0]).toMatchObject({ waiting: 0, clockTimers: 1, clockDueInMs: 3_000 });
    expect(t.why().text).toBe(
      '1 processing-time timer of "clock" waits: the next one is due in 3s.',
    );
  });

  test('is asked itself, where it knows better than its timers', () => {
    const t = testHarness(
      pipeline('own', unchecked<Play>(), (plays) =>
        plays.pipe(
          eventTime({ timestamp: ({ at }) => at, every: 0 }),
          keyBy(() => 'k'),
          own({ count: 3, earliest: 9_000 }),
        ),
      ),
    );
    t.push({ at: 5_000 });
    expect(t.why().steps).toMatchObject([
      { name: 'own', waiting: 3, needs: 9_000, behindMs: 4_001, heldBy: [{ needs: 9_001 }] },
    ]);
  });
});

describe('what holds it back', () => {
  test('is an input that has had no element, with the cure', () => {
    const t = testHarness(two());
    t.push({ at: 5_000 }, { input: 'web' });
    expect(t.why().steps[0]).toMatchObject({ watermark: 'none', behindMs: undefined });
    expect(t.why().steps[0]?.heldBy).toMatchObject([
      {
        input: 'app',
        path: ['keyBy', 'union', 'eventTime-2'],
        watermark: 'none',
        highest: undefined,
      },
      { input: 'web', path: ['keyBy', 'union', 'eventTime'], watermark: 4_999 },
    ]);
    const [app, web] = t.why().steps[0]?.heldBy ?? [];
    expect(app?.reason).toBe('input "app" has had no element yet');
    expect(app?.cure).toContain("set eventTime({ idleness: '1m' })");
    expect(web?.cure).not.toContain('idleness');
  });

  test('is no input that is far enough', () => {
    const t = testHarness(two());
    t.push({ at: 5_000 }, { input: 'web' }).push({ at: 100_000 }, { input: 'app' });
    expect(t.why().steps[0]?.heldBy.map(({ input }) => input)).toEqual(['web']);
  });

  test('becomes idle by itself where that is set', () => {
    const t = testHarness(two({ idleness: '30s' }));
    t.push({ at: 5_000 }, { input: 'web' });
    expect(t.why().steps[0]?.heldBy[0]?.cure).toContain('after 30s of silence it is idle');
    t.advance(30_000).push({ at: 6_000 }, { input: 'web' });
    expect(t.why().steps[0]?.heldBy).toMatchObject([{ input: 'web', isIdle: false }]);
  });

  test('is everybody when all are idle, because silence does not make time pass', () => {
    const t = testHarness(two());
    t.push({ at: 5_000 }, { input: 'web' }).push({ at: 8_000 }, { input: 'app' }).idle();
    const held = t.why().steps[0]?.heldBy ?? [];
    expect(held).toMatchObject([
      { input: 'web', isIdle: true, needs: 65_001 },
      { input: 'app', isIdle: true, needs: 65_001 },
    ]);
    for (const { cure } of held) expect(cure).toContain('silence does not make time pass');
  });

  test('is found over two splits of one generator', () => {
    const inputs = { a: unchecked<Play>(), b: unchecked<Play>() };
    const t = testHarness(
      pipeline('splits', inputs, ({ a, b }) =>
        a.pipe(union(b), eventTime({ timestamp: ({ at }) => at }), remind('remind')),
      ),
    );
    t.push({ at: 5_000 }, { input: 'a' }).end({ input: 'a' });
    expect(t.why().steps[0]?.heldBy).toMatchObject([{ input: 'b', path: ['keyBy', 'eventTime'] }]);
  });

  test('is what the elements of an eventTime were refused for', () => {
    const t = testHarness(two(), { onFailure: 'collect' });
    t.push({ at: 5_000 }, { input: 'web' }).push({ at: -5 }, { input: 'app' });
    expect(t.why().dropped).toEqual({ 'eventTime-2': { late: 0, dead: 1, filtered: 0 } });
    expect(t.why().text).toContain('Dropped by "eventTime-2": 1 failed.');
  });

  test('is an input without event time', () => {
    const t = testHarness(
      pipeline('untimed', unchecked<Play>(), (plays) => plays.pipe(remind('remind'))),
    );
    t.push({ at: 5_000 });
    const [holder] = t.why().steps[0]?.heldBy ?? [];
    expect(holder).toMatchObject({ kind: 'untimed', input: 'input' });
    expect(holder?.reason).toContain('no event time');
    expect(holder?.cure).toContain('Put eventTime');
  });

  test('is a step that keeps its output back', () => {
    const holding = defineOperator<Play, Play>({
      operator: 'slow',
      create: ({ output }) => ({
        element: (value, timestamp) => output.element(value, timestamp),
        outputWatermark: (watermark) => Math.min(watermark, 7_000),
      }),
    });
    const t = testHarness(
      pipeline('slow', unchecked<Play>(), (plays) =>
        plays.pipe(
          eventTime({ timestamp: ({ at }) => at, every: 0 }),
          holding,
          filter(() => true),
          remind('remind'),
        ),
      ),
    );
    t.push({ at: 5_000 }).push({ at: 90_000 });
    expect(t.why().steps[0]?.heldBy).toMatchObject([
      { kind: 'step', path: ['keyBy', 'filter', 'slow'], watermark: 7_000 },
    ]);
  });

  test('is a generator of the user', () => {
    const watermarks = defineWatermarks({
      create: () => ({}),
      element: (_play: Play, timestamp) => timestamp - 3_000,
    });
    const definition = pipeline('custom', unchecked<Play>(), (plays) =>
      plays.pipe(eventTime({ timestamp: ({ at }) => at, watermarks }), remind('remind')),
    );
    const t = testHarness(definition);
    t.push({ at: 5_000 });
    const [holder] = t.why().steps[0]?.heldBy ?? [];
    expect(holder).toMatchObject({ watermark: 2_000, highest: 5_000, needs: undefined });
    expect(holder?.cure).toContain('further watermark of its generator');
  });

  test.each([
    [1_700_000_000, 'seconds'],
    [1_700_000_000_000_000, 'microseconds'],
  ])('is a wrong unit, when timestamps look like it: %d', (at, unit) => {
    const t = testHarness(one());
    t.push({ at });
    expect(t.why().steps[0]?.heldBy[0]?.cure).toContain(`Are its timestamps ${unit}?`);
  });

  test('is told for five splits, and counted for the others', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const inputs = Object.fromEntries(names.map((name) => [name, unchecked<Play>()]));
    const t = testHarness(
      pipeline('many', inputs, (streams) => {
        const [first, ...rest] = Object.values(streams);
        if (first === undefined) throw new Error('there are seven');
        return first.pipe(
          union(...rest),
          eventTime({ timestamp: ({ at }) => at }),
          remind('remind'),
        );
      }),
    );
    t.push({ at: 1 }, { input: 'a' });
    expect(t.why().steps[0]?.heldBy).toHaveLength(7);
    expect(t.why().text.match(/Input/g)).toHaveLength(5);
    expect(t.why().text).toContain('So do 2 others.');
  });
});

describe('when nothing waits', () => {
  test('it says what became of the elements instead', () => {
    const definition = pipeline('done', unchecked<Play>(), (plays) =>
      plays.pipe(
        eventTime({ timestamp: ({ at }) => at, every: 0 }),
        filter(({ at }) => at !== 7),
        remind('remind'),
        own(undefined),
      ),
    );
    const t = testHarness(definition, { onFailure: 'collect' });
    t.push({ at: 1 }).push({ at: 7 }).push({ at: -1 }).watermark(100_000);
    expect(t.why().text.split('\n')).toEqual([
      'Nothing waits.',
      '  process "remind" has had 1 element: 1 accepted.',
      '  "own" has had 1 element: 0 accepted, 1 late.',
      '  What was late came after its result: more outOfOrderness or allowedLateness would take it.',
      'Dropped by "eventTime": 1 failed.',
      'Dropped by "filter": 1 filtered.',
    ]);
  });

  test('it says that a step has had no element', () => {
    expect(testHarness(one()).why().text).toBe(
      'Nothing waits.\n  process "remind" has had no element.',
    );
  });

  test('it says that there is nothing to wait', () => {
    const t = testHarness(
      pipeline('plain', unchecked<Play>(), (plays) => plays.pipe(filter(() => true))),
    );
    expect(t.why().text).toBe('Nothing waits: no step keeps state or timers.');
  });

  test('at the end it is the end', () => {
    const t = testHarness(one());
    t.push({ at: 5_000 }).end();
    expect(t.why().steps).toMatchObject([{ watermark: 'end', waiting: 0, heldBy: [] }]);
  });
});

describe('the report', () => {
  test('survives JSON', () => {
    const t = testHarness(two());
    t.push({ at: 5_000 }, { input: 'web' });
    const { text, steps } = t.why();
    const parsed = JSON.parse(JSON.stringify(t.why())) as Record<string, unknown>;
    expect(parsed).toMatchObject({ pipeline: 'both', phase: 'testing', text });
    expect(parsed['steps']).toEqual(JSON.parse(JSON.stringify(steps)));
    expect(JSON.stringify(parsed)).not.toContain('null');
  });

  test('is the same after a crash, and changes nothing', () => {
    const t = testHarness(two({ idleness: '30s' }));
    t.push({ at: 5_000 }, { input: 'web' }).push({ at: 1_000 }, { input: 'app' });
    const before = t.checkpoint() && t.why();
    t.crash();
    const after = t.why();
    expect({ ...after.steps[0], counters: {} }).toEqual({ ...before.steps[0], counters: {} });
    t.push({ at: 65_001 }, { input: 'web' }).push({ at: 61_001 }, { input: 'app' });
    expect(t.output()).toEqual([61_000]);
  });

  test('can be asked for from inside a step', () => {
    const seen: string[] = [];
    const definition = pipeline('inside', unchecked<Play>(), (plays) =>
      plays.pipe(
        eventTime({ timestamp: ({ at }) => at, every: 0 }),
        keyBy(() => 'k'),
        process({
          uid: 'x',
          element: ({ at }: Play, { timers }) => {
            timers.setEventTime(at);
            timers.setEventTime(at + 1);
          },
          timer: ({ time }) => void seen.push(`${time} ${t.why().steps[0]?.waiting}`),
        }),
      ),
    );
    const t = testHarness(definition);
    t.push({ at: 1 }).push({ at: 10 });
    expect(seen).toEqual(['1 3', '2 2']);
  });
});

/** A keyed step that says itself what waits, or counts everything as late. */
function own(waiting: { count: number; earliest: number } | undefined) {
  return <T>(source: DataStream<T>): DataStream<T> =>
    source.pipe(
      keyBy(() => 'k'),
      defineOperator<never, T>({
        operator: 'own',
        uid: 'own',
        keyed: true,
        state: { create: () => ({}), pack: () => 0, unpack: () => ({}), isEmpty: () => true },
        create: ({ counters, keyedState, late }) => {
          keyedState();
          return {
            element(value, timestamp) {
              counters.received += 1;
              late(value, timestamp);
            },
            waiting: () => waiting,
          };
        },
      }) as never,
    ) as never;
}
