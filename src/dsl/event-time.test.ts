import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  TidemarkError,
  eventTime,
  filter,
  keyBy,
  map,
  monotone,
  pipeline,
  process,
  unchecked,
  union,
  type DataStream,
  type Duration,
  type EventTimeOptions,
  type Pipeline,
  type PipelineDefinition,
} from '../index.js';
import { testHarness } from '../testing/index.js';

const one = (options: Partial<EventTimeOptions<number>> = {}): Pipeline<number, number> =>
  pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(eventTime({ timestamp: (n) => n, every: 0, ...options }), behind('x')),
  );

/** Two splits of one generator: an eventTime behind a union. */
const two = (
  options: Partial<EventTimeOptions<number>> = {},
): PipelineDefinition<{ a: number; b: number }, { output: number }> =>
  pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
    a.pipe(union(b), eventTime({ timestamp: (n) => n, every: 0, ...options }), behind('x')),
  );

describe('the watermark', () => {
  test('is the highest timestamp less the bound less one', () => {
    const t = testHarness(one({ outOfOrderness: '5ms' }));
    expect(t.watermarkOf('x')).toBe(-Infinity);
    t.push(100).push(90).push(103);
    expect(t.watermarkOf('x')).toBe(97);
  });

  test('follows the element that raised it', () => {
    const seen: unknown[] = [];
    of(10, 20)
      .pipe(
        eventTime({ timestamp: (n) => n, every: 0 }),
        keyBy(() => 'k'),
        process({ uid: 'x', element: (n: number, { watermark }) => [[n, watermark]] }),
      )
      .subscribe((pair) => seen.push(pair));
    expect(seen).toEqual([
      [10, -Infinity],
      [20, 9],
    ]);
  });

  test('moves in steps of every, 200 ms by default, and is sent whole before the end', () => {
    const t = testHarness(
      pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(eventTime({ timestamp: (n) => n }), behind('x')),
      ),
    );
    t.push(100).push(150);
    expect(t.watermarkOf('x')).toBe(99);
    t.push(210);
    expect(t.watermarkOf('x')).toBe(209);
    t.end();
    expect(t.watermarkOf('x')).toBe(Infinity);
  });

  test('does not depend on how elements are cut into chunks', () => {
    const times = [5, 300, 250, 700, 650, 900, 1200, 1100];
    const single = testHarness(watermarks(200));
    for (const time of times) single.push(time);
    for (let cut = 0; cut <= times.length; cut += 1) {
      const chunked = testHarness(watermarks(200));
      chunked.pushChunk(times.slice(0, cut)).pushChunk(times.slice(cut));
      expect(chunked.output()).toEqual(single.output());
    }
  });

  test('is the minimum over the splits', () => {
    const t = testHarness(two());
    t.push(100, { input: 'a' });
    expect(t.watermarkOf('x')).toBe(-Infinity);
    t.push(50, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(49);
    t.push(200, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(99);
  });

  test('an ended split holds nothing back', () => {
    const t = testHarness(two());
    t.push(100, { input: 'a' }).push(50, { input: 'b' }).end({ input: 'b' });
    expect(t.watermarkOf('x')).toBe(99);
    t.end({ input: 'a' });
    expect(t.watermarkOf('x')).toBe(Infinity);
  });
});

describe('idleness', () => {
  test('a split that is silent for so long holds nothing back', () => {
    const t = testHarness(two({ idleness: '10s' }));
    t.push(100, { input: 'a' }).push(50, { input: 'b' });
    t.advance(9_000).push(200, { input: 'a' });
    expect(t.watermarkOf('x')).toBe(49);
    t.advance(1_000);
    expect(t.watermarkOf('x')).toBe(199);
  });

  test('what is pending goes out when all are idle', () => {
    const t = testHarness(one({ idleness: '1s', every: '10s' }));
    t.push(100).push(500);
    expect(t.watermarkOf('x')).toBe(99);
    t.advance(1_000);
    expect(t.watermarkOf('x')).toBe(499);
  });

  test('a split that comes back behind is waited for, and nothing goes back', () => {
    const t = testHarness(two());
    t.push(100, { input: 'a' }).push(50, { input: 'b' }).idle({ input: 'b' });
    expect(t.watermarkOf('x')).toBe(99);
    t.push(60, { input: 'b' }).push(200, { input: 'a' });
    expect(t.watermarkOf('x')).toBe(99);
    t.push(150, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(149);
    t.push(300, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(199);
  });

  test('a split behind the watermark is waited for after a crash too', () => {
    const t = testHarness(two());
    t.push(100, { input: 'a' }).push(50, { input: 'b' }).idle({ input: 'b' });
    t.push(60, { input: 'b' });
    t.checkpoint();
    t.crash();
    t.push(200, { input: 'a' });
    expect(t.watermarkOf('x')).toBe(99);
    t.push(120, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(119);
  });

  test('a split that has ended holds nothing back after a crash either', () => {
    const t = testHarness(two());
    t.push(100, { input: 'a' }).push(50, { input: 'b' }).end({ input: 'b' });
    t.checkpoint();
    t.crash();
    t.push(200, { input: 'a' });
    expect(t.watermarkOf('x')).toBe(199);
  });

  test('an element that is refused does not wake its split', () => {
    const t = testHarness(two(), { onFailure: 'collect' });
    t.push(100, { input: 'a' }).push(50, { input: 'b' }).idle({ input: 'b' });
    t.push(-1, { input: 'b' }).push(200, { input: 'a' });
    expect(t.watermarkOf('x')).toBe(199);
  });

  test('is off by default', () => {
    const t = testHarness(two());
    t.push(100, { input: 'a' }).push(50, { input: 'b' }).advance(1e12);
    expect(t.watermarkOf('x')).toBe(49);
  });

  test('an idle split is idle after a crash', () => {
    const t = testHarness(two());
    t.push(100, { input: 'a' }).push(50, { input: 'b' }).idle({ input: 'b' });
    t.checkpoint();
    t.crash();
    t.push(200, { input: 'a' });
    expect(t.watermarkOf('x')).toBe(199);
  });
});

describe('timestamps', () => {
  test.each([
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['negative', -1],
    ['text', '5'],
    ['a date', new Date(5)],
    ['a bigint', 5n],
    ['nothing', undefined],
    ['null', null],
    ['beyond the range of dates', 8.65e15],
  ])('%s: a dead letter that does not touch the watermark', (_name, timestamp) => {
    const t = testHarness(one({ timestamp: (n) => (n === 7 ? (timestamp as number) : n) }), {
      onFailure: 'collect',
    });
    t.push(5).push(7).push(6);
    expect(t.output()).toEqual([5, 6]);
    expect(t.watermarkOf('x')).toBe(5);
    expect(t.dead()).toMatchObject([{ operator: 'eventTime', position: 'input element 2' }]);
    expect(t.dead()[0]?.reason).toContain('TIMESTAMP_INVALID');
    expect(t.counters()['eventTime']).toMatchObject({ received: 3, accepted: 2, dead: 1 });
  });

  test('before 1970 are taken when they are allowed', () => {
    const t = testHarness(one({ allowNegative: true }));
    t.push(-100);
    expect(t.watermarkOf('x')).toBe(-101);
    expect(() => t.push(-8.65e15)).toThrow('TIMESTAMP_INVALID');
  });

  test('0 is a timestamp', () => {
    const t = testHarness(one());
    t.push(0);
    expect(t.watermarkOf('x')).toBe(-1);
  });

  test('a function that throws is named', () => {
    const failing = one({
      timestamp: () => {
        throw new Error('deep');
      },
    });
    expect(() => testHarness(failing).push(1)).toThrow(/USER_FUNCTION_FAILED.*"eventTime"/);
  });
});

describe('where it stands', () => {
  test('behind stateless steps it is fine', () => {
    expect(() =>
      of(1).pipe(
        map((n) => n),
        filter(() => true),
        eventTime({ timestamp: (n) => n }),
      ),
    ).not.toThrow();
  });

  test('behind a keyBy or a stateful step it is refused', () => {
    expect(() =>
      of(1).pipe(
        keyBy((n) => n),
        eventTime({ timestamp: () => 0 }) as never,
      ),
    ).toThrow('TIME_REASSIGNED');
    expect(() =>
      of(1).pipe(
        keyBy((n) => n),
        process({ uid: 'x', element: (n: number) => [n] }),
        map((n) => n),
        eventTime({ timestamp: () => 0 }),
      ),
    ).toThrow('eventTime behind the stateful step "x"');
  });

  test('spliced behind a keyBy without event time it is refused too', () => {
    const inner = pipeline('inner', unchecked<number>(), (n$) =>
      n$.pipe(eventTime({ timestamp: (n) => n })),
    );
    expect(() =>
      of(1).pipe(
        keyBy((n) => n),
        process({ uid: 'x', element: (n) => [n] }),
        inner,
      ),
    ).toThrow('TIME_REASSIGNED');
  });

  test('spliced onto a stream with event time it gives way', () => {
    const inner = pipeline('inner', unchecked<number>(), (n$) =>
      n$.pipe(eventTime({ timestamp: (n) => n * 1000, every: 0 })),
    );
    const t = testHarness(
      pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(eventTime({ timestamp: (n) => n, every: 0 }), inner, behind('x')),
      ),
    );
    t.push(5);
    expect(t.records()).toEqual([{ value: 5, timestamp: 5 }]);
    expect(t.watermarkOf('x')).toBe(4);
  });
});

describe('options', () => {
  const timestamp = (n: number): number => n;

  test.each([
    ['outOfOrderness', '1 hour'],
    ['every', NaN],
    ['idleness', -1],
    ['idleness', 0],
    ['maxFuture', true],
    ['maxFuture', Infinity],
    ['timestamp', 'at'],
    ['timestamp', undefined],
    ['appended', 5],
    ['allowNegative', 'yes'],
    ['watermarks', { create: () => ({}), element: () => 5 }],
  ])('%s: %s is refused', (name, value) => {
    expect(() => eventTime({ timestamp, [name]: value })).toThrow(
      new RegExp(`OPTIONS_INVALID.*at eventTime\\(\\), ${name}\\.`),
    );
  });

  test('everything that is wrong is told at once', () => {
    const options = {
      idleness: '0s',
      every: -5,
      watermarks: monotone(),
      maxFuture: false,
      appended: () => 1,
      lateness: 5,
    };
    const error = refusal(() => eventTime(options as never));
    for (const text of [
      'timestamp: a function',
      'idleness: a duration > 0',
      'every: none beside watermarks',
      'appended: none beside maxFuture: false',
      'only options that exist',
    ])
      expect(error.expected).toContain(text);
    expect(error.got).toContain('unknown option "lateness"');
    expect(error.hint).toContain('all 5');
  });

  test('watermarks beside outOfOrderness is a contradiction', () => {
    const error = refusal(() =>
      eventTime({ timestamp, watermarks: monotone(), outOfOrderness: 0 }),
    );
    expect(error.code).toBe('OPTIONS_INVALID');
    expect(error.expected).toBe('outOfOrderness: none beside watermarks');
  });

  test('options that are none at all are refused', () => {
    for (const options of [undefined, null, 5, timestamp])
      expect(() => eventTime(options as never)).toThrow('OPTIONS_INVALID');
  });

  test('async functions are refused', () => {
    const later = (async () => 1) as never;
    expect(() => eventTime({ timestamp: later })).toThrow('USER_FUNCTION_ASYNC');
    expect(() => eventTime({ timestamp, appended: later })).toThrow('USER_FUNCTION_ASYNC');
  });
});

function refusal(act: () => unknown): TidemarkError {
  try {
    act();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function behind(uid: string): (source: DataStream<number>) => DataStream<number> {
  return (source) =>
    source.pipe(
      keyBy(() => 'k'),
      process({ uid, element: (n) => [n] }),
    );
}

/** Emits the watermark that each element meets. */
function watermarks(every: Duration): Pipeline<number, number> {
  return pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, every }),
      keyBy(() => 'k'),
      process({ uid: 'x', element: (_n, { watermark }) => [watermark] }),
    ),
  );
}
