import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  count,
  eventTime,
  keyBy,
  outputTag,
  pipeline,
  process,
  sliding,
  sum,
  tumbling,
  unchecked,
  window,
  type Aggregator,
  type Key,
  type Pipeline,
  type WindowOptions,
  type WindowResult,
} from '../index.js';
import { testHarness } from '../testing/index.js';
import type { AlignedWindows } from '../time/windows.js';

interface Play {
  readonly key: Key;
  readonly at: number;
  readonly ms?: number;
}

type Result = WindowResult<Key, number>;

describe('a window', () => {
  test('fires when the watermark reaches end - 1, not before, and says key, window and value', () => {
    const t = testHarness(windowed(tumbling({ size: 10 })));
    t.push(play('a', 3)).push(play('a', 9)).watermark(8);
    expect(t.output()).toEqual([]);
    t.watermark(9);
    expect(t.output()).toEqual([{ key: 'a', window: { start: 0, end: 10 }, value: 2 }]);
  });

  test('gives a result with the timestamp end - 1', () => {
    const t = testHarness(windowed(tumbling({ size: 10 })));
    t.push(play('a', 3)).watermark(50);
    expect(t.records().map(({ timestamp }) => timestamp)).toEqual([9]);
  });

  test('holds its start and not its end', () => {
    expect(results(tumbling({ size: 10 }), [0, 9, 10, 19, 20])).toEqual([
      '[0,10) 2',
      '[10,20) 2',
      '[20,30) 1',
    ]);
  });

  test('lies on either side of 1970 alike', () => {
    expect(results(tumbling({ size: 10 }), [-11, -10, -1, 0])).toEqual([
      '[-20,-10) 1',
      '[-10,0) 2',
      '[0,10) 1',
    ]);
  });

  test('is shifted by its offset', () => {
    expect(results(tumbling({ size: 10, offset: 3 }), [2, 3, 12])).toEqual([
      '[-7,3) 1',
      '[3,13) 2',
    ]);
  });

  test('takes timestamps between milliseconds', () => {
    expect(results(tumbling({ size: 10 }), [0.5, 9.75, 10.25])).toEqual(['[0,10) 2', '[10,20) 1']);
    expect(results(sliding({ size: 10, slide: 5, offset: 1 }), [5.999, 6])).toEqual([
      '[-4,6) 1',
      '[1,11) 2',
      '[6,16) 1',
    ]);
  });

  test('of one key is not that of another', () => {
    const t = testHarness(windowed(tumbling({ size: 10 })));
    for (const key of ['a', 10, '10', 10n, [1], 'a'] as Key[]) t.push(play(key, 5));
    t.watermark(9);
    expect(t.output().map(({ key, value }) => [key, value])).toEqual([
      ['a', 2],
      [10, 1],
      ['10', 1],
      [10n, 1],
      [[1], 1],
    ]);
  });

  test('without elements says nothing', () => {
    expect(results(tumbling({ size: 10 }), [5, 95])).toEqual(['[0,10) 1', '[90,100) 1']);
  });

  test('leaves nothing behind', () => {
    const t = testHarness(windowed(sliding({ size: 10, slide: 3 })));
    for (let at = 0; at < 50; at += 1) t.push(play(`k${at % 4}`, at));
    t.watermark(1000);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('windows of a key come in the order of their ends, all before the watermark goes on', () => {
    const t = testHarness(
      pipeline('p', unchecked<Play>(), (plays) =>
        plays.pipe(
          eventTime({ timestamp: ({ at }) => at, every: 0 }),
          keyBy(({ key }) => key),
          window(sliding({ size: 10, slide: 5 }), count(), { uid: 'w' }),
          keyBy(() => 'all'),
          process({
            uid: 'x',
            element: ({ window: { end } }, { watermark }) => [[end, watermark] as const],
          }),
        ),
      ),
    );
    t.push(play('a', 2)).push(play('a', 12)).watermark(100);
    expect(t.output()).toEqual([
      [5, 1],
      [10, 1],
      [15, 11],
      [20, 11],
    ]);
    expect(t.watermarkOf('x')).toBe(100);
  });
});

describe('sliding windows', () => {
  test('count an element in each window that holds it', () => {
    expect(results(sliding({ size: 10, slide: 5 }), [2, 7])).toEqual([
      '[-5,5) 1',
      '[0,10) 2',
      '[5,15) 1',
    ]);
  });

  test('whose size is no multiple of the slide are exact', () => {
    expect(results(sliding({ size: 7, slide: 3 }), [5])).toEqual(['[0,7) 1', '[3,10) 1']);
    expect(results(sliding({ size: 7, slide: 3 }), [6])).toEqual([
      '[0,7) 1',
      '[3,10) 1',
      '[6,13) 1',
    ]);
  });

  test('with gaps filter what lies between two windows, and count it', () => {
    const t = testHarness(windowed(sliding({ size: 2, slide: 5 })));
    for (const at of [0, 1, 2, 4, 5]) t.push(play('a', at));
    t.watermark(100);
    expect(t.output().map(text)).toEqual(['[0,2) 2', '[5,7) 1']);
    expect(t.counters()['w']).toMatchObject({ received: 5, accepted: 3, filtered: 2, late: 0 });
  });

  test('an aggregator that changes its accumulators in place is merged unharmed', () => {
    const list: Aggregator<Play, number[], string> = {
      name: 'list',
      create: () => [],
      add(all, { at }) {
        all.push(at);
        return all;
      },
      merge(into, other) {
        into.push(...other);
        return into;
      },
      result: (all) => all.join('+'),
    };
    const t = testHarness(
      pipeline('p', unchecked<Play>(), (plays) =>
        plays.pipe(
          eventTime({ timestamp: ({ at }) => at }),
          keyBy(({ key }) => key),
          window(sliding({ size: 9, slide: 3 }), list, { uid: 'w' }),
        ),
      ),
    );
    for (const at of [1, 4, 7, 10]) t.push(play('a', at));
    t.checkpoint();
    t.crash().watermark(100);
    expect(t.output().map(({ value }) => value)).toEqual([
      '1',
      '1+4',
      '1+4+7',
      '4+7+10',
      '7+10',
      '10',
    ]);
  });
});

describe('a window behind a window', () => {
  test('of the same size sees the result inside', () => {
    const t = testHarness(
      pipeline('p', unchecked<Play>(), (plays) =>
        plays.pipe(
          eventTime({ timestamp: ({ at }) => at }),
          keyBy(({ key }) => key),
          window(tumbling({ size: 10 }), count(), { uid: 'inner' }),
          keyBy(() => 'all'),
          window(
            tumbling({ size: 10 }),
            sum(({ value }: Result) => value),
            { uid: 'outer' },
          ),
        ),
      ),
    );
    t.push(play('a', 1)).push(play('b', 2)).push(play('a', 9)).watermark(9);
    expect(t.output()).toEqual([{ key: 'all', window: { start: 0, end: 10 }, value: 3 }]);
  });
});

describe('what goes wrong', () => {
  test('an aggregator that throws is named by window, key and time', () => {
    const t = testHarness(
      windowed(
        tumbling({ size: 10 }),
        sum((given) => (given as Play).ms as number),
      ),
    );
    expect(() => t.push(play('a', 3))).toThrow(
      /expected a number, got undefined.*operator "w", key "a", timestamp 3, input element 1/,
    );
  });

  test('a result that throws is named by the window it was for', () => {
    const broken: Aggregator<unknown, number, number> = {
      ...count(),
      result() {
        throw new Error('deep');
      },
    };
    const t = testHarness(windowed(tumbling({ size: 10 }), broken));
    t.push(play('a', 3));
    expect(() => t.watermark(9)).toThrow(/operator "w", key "a", timestamp 9, window "w" key "a"/);
  });

  test('an element without event time becomes a dead letter', () => {
    const t = testHarness(
      pipeline('p', unchecked<Play>(), (plays) =>
        plays.pipe(
          eventTime({ timestamp: ({ at }) => at }),
          keyBy(({ key }) => key),
          process<Key, Play, Play>({
            uid: 'delay',
            element: (_value, { timers }) => timers.setProcessingTime(10),
            timer: () => [play('late', 0)],
          }),
          keyBy(({ key }) => key),
          window(tumbling({ size: 10 }), count(), { uid: 'w' }),
        ),
      ),
      { onFailure: 'collect' },
    );
    t.push(play('a', 1)).advance(10);
    expect(t.dead()).toMatchObject([
      { operator: 'w', position: 'process "delay" key "a" time 10' },
    ]);
    expect(t.dead()[0]?.reason).toContain('TIMESTAMP_INVALID');
  });

  test('is refused when it is piped: no key, no event time, no uid, a wrong lateness', () => {
    const spec = tumbling({ size: 10 });
    const timed = of(1).pipe(eventTime({ timestamp: (n) => n }));
    expect(() => timed.pipe(window(spec, count(), { uid: 'w' }) as never)).toThrow('KEY_MISSING');
    expect(() =>
      of(1).pipe(
        keyBy((n) => n),
        window(spec, count(), { uid: 'w' }),
      ),
    ).toThrow('TIME_MISSING');
    expect(() => window(spec, count(), {} as never)).toThrow('UID_INVALID');
    expect(() => window(spec, count(), { uid: 'w', allowedLateness: '1 hour' as never })).toThrow(
      /DURATION_INVALID.*allowedLateness of window "w"/,
    );
  });
});

describe('too late an element', () => {
  const late = outputTag<Play>('late');

  test('is counted, named, and sent to the side output with its own time', () => {
    const t = testHarness(windowed(tumbling({ size: 10 }), count(), { late }));
    t.push(play('a', 5)).watermark(9).push(play('b', 9)).push(play('c', 10));
    expect(t.side(late)).toEqual([play('b', 9)]);
    expect(t.late()).toEqual([
      { operator: 'w', timestamp: 9, watermark: 9, position: 'input element 2', key: 'b' },
    ]);
    expect(t.counters()['w']).toMatchObject({ received: 3, accepted: 2, late: 1 });
  });

  test('leaves no state', () => {
    const t = testHarness(windowed(tumbling({ size: 10 })));
    t.watermark(100).push(play('a', 5));
    expect(t.stateSize()).toBe(0);
  });

  test('behind the watermark but in an open window it is not', () => {
    const t = testHarness(windowed(tumbling({ size: 10 })));
    t.watermark(8).push(play('a', 1)).watermark(9);
    expect(t.output().map(text)).toEqual(['[0,10) 1']);
  });
});

function windowed(
  spec: AlignedWindows,
  aggregator: Aggregator<unknown, number, number> = count(),
  options: Omit<WindowOptions<Play>, 'uid'> = {},
): Pipeline<Play, Result> {
  return pipeline('p', unchecked<Play>(), (plays) =>
    plays.pipe(
      eventTime({ timestamp: ({ at }) => at, outOfOrderness: 1_000_000, allowNegative: true }),
      keyBy(({ key }) => key),
      window(spec, aggregator, { ...options, uid: 'w' }),
    ),
  );
}

function results(spec: AlignedWindows, times: readonly number[]): string[] {
  const t = testHarness(windowed(spec));
  for (const at of times) t.push(play('a', at));
  return t.end().output().map(text);
}

function text({ window: { start, end }, value }: Result): string {
  return `[${start},${end}) ${value}`;
}

function play(key: Key, at: number): Play {
  return { key, at };
}
