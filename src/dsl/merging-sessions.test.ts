import { describe, expect, test } from 'vitest';
import {
  collect,
  count,
  eventTime,
  iterable,
  keyBy,
  map,
  max,
  min,
  outputTag,
  pipeline,
  process,
  run,
  session,
  sum,
  unchecked,
  window,
  type Aggregator,
  type Pipeline,
  type WindowResult,
} from '../index.js';
import { testHarness, verifyOperator, type TestHarness } from '../testing/index.js';

type Result = WindowResult<string, number>;
type Harness = TestHarness<{ input: number }, { output: Result }>;

const late = outputTag<number>('late');
const spec = session({ gap: 10 });

describe('running sessions', () => {
  test.each([0, 1, 50, 127, 1_000])(
    'of keys that do not come back leave nothing after a while, with watermarks every %d ms',
    (every) => {
      const p = pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(
          eventTime({ timestamp: (n) => n, every }),
          keyBy((n) => n),
          window(session({ gap: 200 }), count(), { uid: 'w' }),
        ),
      );
      const t = testHarness(p);
      for (let n = 0; n < 600; n += 1) t.push(n * 10 + 3);
      // 20 keys with a session, 20 that linger, and those of one step of the watermark and of one bucket.
      expect(t.stateSize()).toBeLessThanOrEqual(40 + every / 10 + 14);
    },
  );

  test('end when the watermark has passed the gap behind their last element', () => {
    const t = harness();
    t.push(0).push(7).watermark(15);
    expect(results(t)).toEqual([]);
    t.watermark(16);
    expect(t.records()).toEqual([
      { value: { key: 'k', window: { start: 0, end: 17 }, value: 2 }, timestamp: 16 },
    ]);
  });

  test('grow forwards, backwards, and where they are touched', () => {
    const t = harness();
    t.push(20).push(30).push(10).push(15).watermark(100);
    expect(results(t)).toEqual(['[10,40) 4']);
  });

  test('stay apart by a millisecond', () => {
    const t = harness();
    t.push(20).push(31).push(9).watermark(100);
    expect(results(t)).toEqual(['[9,19) 1', '[20,30) 1', '[31,41) 1']);
  });

  test('become one through an element between them, however many it meets', () => {
    const t = harness({ gap: session<number>({ gap: (n) => (n === 1 ? 100 : 10) }) });
    t.push(20).push(45).push(70).push(200).push(1).watermark(1_000);
    expect(results(t)).toEqual(['[1,101) 4', '[200,210) 1']);
  });

  test('that have grown do not fire at their former end', () => {
    const t = harness();
    t.push(0).watermark(5).push(8).watermark(9);
    expect(results(t)).toEqual([]);
    t.watermark(17);
    expect(results(t)).toEqual(['[0,18) 2']);
  });

  test('of keys are apart, and those due together fire at one watermark', () => {
    const t = harness({ key: (n) => `k${n % 3}` });
    for (let n = 0; n < 9; n += 1) t.push(n);
    t.watermark(100);
    expect(t.output().map(({ key, window: { end }, value }) => [key, end, value])).toEqual([
      ['k0', 16, 3],
      ['k1', 17, 3],
      ['k2', 18, 3],
    ]);
  });

  test('fire in the order of their ends, whichever key came first and however many a key has', () => {
    const t = harness({ key: (n) => `k${n % 3}` });
    for (const n of [40, 0, 36, 21]) t.push(n);
    t.watermark(1_000);
    expect(t.output().map(({ key, window: { end } }) => [key, end])).toEqual([
      ['k0', 10],
      ['k0', 31],
      ['k0', 46],
      ['k1', 50],
    ]);
    const u = harness({ key: (n) => `k${n % 2}` });
    for (const n of [4, 44, 1_004, 21, 501]) u.push(n);
    expect(results(u.watermark(2_000))).toEqual([
      '[4,14) 1',
      '[21,31) 1',
      '[44,54) 1',
      '[501,511) 1',
      '[1004,1014) 1',
    ]);
  });

  test('fire at the watermarks that reach them, however finely these come', () => {
    const t = harness();
    for (const n of [0, 25, 300]) t.push(n);
    const firedAt: number[] = [];
    for (let time = 0; time < 320; time += 1) {
      const before = t.output().length;
      if (t.watermark(time).output().length > before) firedAt.push(time);
    }
    expect(firedAt).toEqual([9, 34, 309]);
  });

  test('lie on either side of 1970 alike', () => {
    const t = harness();
    t.push(-25).push(-5).push(2).watermark(100);
    expect(results(t)).toEqual(['[-25,-15) 1', '[-5,12) 2']);
  });

  test('have no timers, and leave nothing when they are over', () => {
    const t = harness({ allowedLateness: 5 });
    for (let n = 0; n < 400; n += 7) t.push(n).watermark(n - 30);
    expect(t.timers()).toBe(0);
    expect([t.watermark(1_000).stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('put running values together by the merge of their aggregator, never changing another key', () => {
    const lists: Aggregator<number, number[], string> = {
      name: 'lists',
      create: () => [],
      add(all, n) {
        all.push(n);
        return all;
      },
      merge(into, other) {
        into.push(...other);
        return into;
      },
      result: (all) => all.toSorted((a, b) => a - b).join(' '),
    };
    const t = harness({ aggregator: lists, key: (n) => `k${n % 2}` });
    t.push(20).push(1).push(0).push(10).push(21).push(11).watermark(100);
    expect(results(t)).toEqual(['[0,30) 0 10 20', '[1,31) 1 11 21']);
  });

  test('give the same after any crash', () => {
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
        keyBy((n) => n % 2),
        window(
          spec,
          sum((n: number) => n),
          { uid: 'w', allowedLateness: 20 },
        ),
        map(({ key, window: { start, end }, value }) => `${key}: ${start}-${end} ${value}`),
      ),
    );
    verifyOperator(p, {
      steps: [
        ...[20, 0, 11, 10, 45].map((push) => ({ push })),
        { watermark: 29 },
        { push: 25 },
        { push: 30 },
        { watermark: 54 },
        { end: true },
      ],
      expect: ['1: 11-21 11', '0: 0-30 30', '0: 0-40 60', '1: 45-55 45', '1: 25-35 25'].toSorted(),
      anyOrder: true,
    });
  });

  test('that end together, more than one slice of work, all fire once', async () => {
    const out = collect<number>({ uid: 'out' });
    const keys = Array.from({ length: 3_000 }, (_, n) => n);
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: () => 5 }),
        keyBy((n) => n),
        window(
          spec,
          max((n: number) => n),
          { uid: 'w' },
        ),
        map(({ value }) => value),
      ),
    );
    await run(p, { from: iterable([...keys, ...keys]), to: out }).done;
    expect(out.values.toSorted((a, b) => a - b)).toEqual(keys);
  });

  test('stand before another window of the same time', () => {
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
        keyBy((n) => n % 2),
        window(spec, count(), { uid: 'inner' }),
        keyBy(() => 'all'),
        window(
          session({ gap: 5 }),
          min(({ value }: { value: number }) => value),
          { uid: 'outer' },
        ),
      ),
    );
    const t = testHarness(p);
    t.push(0).push(2).push(1).watermark(100);
    expect(t.output().map(({ window: { start, end }, value }) => [start, end, value])).toEqual([
      [10, 16, 1],
    ]);
  });
});

describe('a late element', () => {
  test('of a session that has fired says its new value, and what it meets then is one', () => {
    const t = harness({ allowedLateness: 30 });
    t.push(0).push(15).watermark(30).push(3).push(8);
    expect(results(t)).toEqual(['[0,10) 1', '[15,25) 1', '[0,13) 2', '[0,25) 4']);
  });

  test('that carries a session that has fired beyond the watermark takes it back to open', () => {
    const t = harness({ allowedLateness: 30 });
    t.push(0).watermark(12).push(9);
    expect(results(t)).toEqual(['[0,10) 1']);
    t.watermark(18);
    expect(results(t).slice(1)).toEqual(['[0,19) 2']);
  });

  test('is late only when its own window is over and it meets no live session', () => {
    const t = harness();
    t.push(20).watermark(25).push(9).push(11);
    expect(t.side(late)).toEqual([9]);
    expect(t.late()).toMatchObject([{ operator: 'w', timestamp: 9, watermark: 25, key: 'k' }]);
    expect(t.counters()['w']).toMatchObject({ received: 3, accepted: 2, late: 1, filtered: 0 });
    expect(results(t.watermark(100))).toEqual(['[11,30) 2']);
  });

  test('meets a live session that is not the newest one, as well', () => {
    const t = harness();
    t.push(20).push(45).watermark(25).push(11);
    expect([t.side(late), results(t.watermark(100))]).toEqual([[], ['[11,30) 2', '[45,55) 1']]);
  });

  test('is allowed up to one before end - 1 + lateness', () => {
    const last = (watermark: number): [string[], number[]] => {
      const t = harness({ allowedLateness: 20 });
      t.push(0).watermark(watermark).push(0);
      return [results(t), t.side(late)];
    };
    expect(last(28)).toEqual([['[0,10) 1', '[0,10) 2'], []]);
    expect(last(29)).toEqual([['[0,10) 1'], [0]]);
  });

  test('opens a session of its own while its lateness lasts', () => {
    const t = harness({ allowedLateness: 20 });
    t.watermark(25).push(0).push(2);
    expect(results(t)).toEqual(['[0,10) 1', '[0,12) 2']);
    // A key without sessions lingers for a gap, because some come back at once.
    expect(t.watermark(31).state('w', 'k')).toEqual([]);
    expect([t.watermark(41).stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('leaves no state where it is too late', () => {
    const t = harness();
    expect(t.watermark(100).push(5).stateSize()).toBe(0);
  });

  test('is judged alike behind a crash', () => {
    const t = harness({ allowedLateness: 20 });
    t.push(0).push(40).watermark(15).checkpoint();
    t.push(5).crash();
    expect(results(t)).toEqual(['[0,10) 1', '[0,15) 2']);
    t.watermark(34).checkpoint();
    t.restore().push(4);
    expect(t.side(late)).toEqual([4]);
    expect(results(t.watermark(49)).at(-1)).toBe('[40,50) 1');
  });
});

describe('why', () => {
  test('counts keys, and knows the true end of what has grown', () => {
    const t = harness();
    t.push(0).push(8);
    expect(t.why().steps[0]).toMatchObject({ waiting: 1, needs: 17 });
    t.push(50).push(30).watermark(17);
    expect(t.why().steps[0]).toMatchObject({ waiting: 1, needs: 39 });
    t.watermark(39);
    expect(t.why().steps[0]).toMatchObject({ waiting: 1, needs: 59, keys: 1 });
  });
});

describe('what goes wrong', () => {
  test('in a gap of its own is named by operator, key and position', () => {
    const throwing = session<number>({
      gap: (n) => {
        if (n === 2) throw new Error('deep');
        return n === 3 ? 0 : 10;
      },
    });
    expect(() => harness({ gap: throwing }).push(1).push(2)).toThrow(
      /USER_FUNCTION_FAILED.*deep.*operator "w", key "k", timestamp 2, input element 2/,
    );
    expect(() => harness({ gap: throwing }).push(3)).toThrow(
      /WINDOW_INVALID.*gap > 0.*operator "w"/,
    );
  });

  test.each(['add', 'merge', 'result'])('in %s of the aggregator is named as well', (part) => {
    const broken = {
      ...count(),
      [part]: () => {
        throw new Error('deep');
      },
    };
    const t = harness({ aggregator: broken });
    expect(() => t.push(0).push(20).push(10).watermark(100)).toThrow(
      /USER_FUNCTION_FAILED.*deep.*operator "w", key "k"/,
    );
  });

  test('with an element without event time is a dead letter', () => {
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
        keyBy(() => 'k'),
        process({
          uid: 'delay',
          element: (n: number, { timers }) => {
            timers.setProcessingTime(10);
            return [n];
          },
          timer: () => [-1],
        }),
        keyBy(() => 'k'),
        window(spec, count(), { uid: 'w' }),
      ),
    );
    const t = testHarness(p, { onFailure: 'collect' });
    t.push(1).advance(10).watermark(100);
    expect(t.dead()).toMatchObject([
      { operator: 'w', reason: expect.stringContaining('TIMESTAMP_INVALID') },
    ]);
    expect(t.output().map(({ value }) => value)).toEqual([1]);
  });
});

interface Chosen {
  readonly gap?: ReturnType<typeof session<number>>;
  readonly key?: (n: number) => string;
  readonly aggregator?: unknown;
  readonly allowedLateness?: number;
}

function harness({
  gap = spec,
  key = () => 'k',
  aggregator = count(),
  ...options
}: Chosen = {}): Harness {
  return testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d', allowNegative: true }),
        keyBy(key),
        window(gap, aggregator as Aggregator<number, number, number>, {
          ...options,
          late,
          uid: 'w',
        }),
      ),
    ) as Pipeline<number, Result>,
  ) as unknown as Harness;
}

function results(t: Harness): string[] {
  return t.output().map(({ window: { start, end }, value }) => `[${start},${end}) ${value}`);
}
