import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  collect,
  defineWatermarks,
  eventTime,
  iterable,
  keyBy,
  monotone,
  pipeline,
  process,
  run,
  splitIterable,
  unchecked,
  union,
  type Pipeline,
  type PipelineDefinition,
  type Watermarks,
} from '../index.js';
import { testHarness } from '../testing/index.js';

interface Last {
  last: number;
}

/** Only by the clock: the last timestamp less one, also where that falls. */
const lastMinusOne = defineWatermarks({
  create: (): Last => ({ last: -Infinity }),
  element(_value: number, timestamp, state) {
    state.last = timestamp;
  },
  periodic: ({ last }) => last - 1,
  interval: 50,
});

/** Only by the data: every element says its own timestamp. */
const punctuated = defineWatermarks({
  create: () => ({}),
  element: (_value: number, timestamp) => timestamp,
});

describe('monotone', () => {
  test('is the highest timestamp less one, in steps of 200 ms', () => {
    const t = testHarness(judged(monotone()));
    t.push(100).push(150).push(120);
    expect(t.watermarkOf('x')).toBe(99);
    t.push(200);
    expect(t.watermarkOf('x')).toBe(199);
    t.push(30);
    expect(t.watermarkOf('x')).toBe(199);
  });
});

describe('at an element', () => {
  test('a watermark is sent behind all that the element causes', () => {
    const seen: unknown[] = [];
    of(10, 20, 15, 30)
      .pipe(judge(punctuated))
      .subscribe((watermark) => seen.push(watermark));
    expect(seen).toEqual([-Infinity, 10, 20, 20]);
  });

  test('a watermark that falls back is dropped', () => {
    const t = testHarness(judged(punctuated));
    t.push(30).push(10).push(20);
    expect(t.watermarkOf('x')).toBe(30);
  });

  test('does not depend on how elements are cut into chunks', () => {
    const times = [5, 3, 9, 7, 12, 11];
    const single = testHarness(judged(punctuated));
    for (const time of times) single.push(time);
    for (let cut = 0; cut <= times.length; cut += 1) {
      const chunked = testHarness(judged(punctuated));
      chunked.pushChunk(times.slice(0, cut)).pushChunk(times.slice(cut));
      expect(chunked.output()).toEqual(single.output());
    }
  });

  test('each split has a state of its own, and the minimum counts', () => {
    const t = testHarness(two(secondHighest));
    t.push(10, { input: 'a' }).push(20, { input: 'a' }).push(7, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(-Infinity);
    t.push(8, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(7);
  });

  test('the end of time ends it for good', () => {
    const t = testHarness(
      judged(defineWatermarks({ create: () => ({}), element: () => Infinity })),
    );
    t.push(10);
    expect(t.watermarkOf('x')).toBe(Infinity);
  });
});

describe('by the clock', () => {
  test('a watermark is sent every interval, and only then', () => {
    const t = testHarness(judged(lastMinusOne));
    t.push(4).push(2).push(3);
    expect(t.watermarkOf('x')).toBe(-Infinity);
    t.advance(49);
    expect(t.watermarkOf('x')).toBe(-Infinity);
    t.advance(1);
    expect(t.watermarkOf('x')).toBe(2);
    t.push(10).advance(49);
    expect(t.watermarkOf('x')).toBe(2);
    t.advance(1);
    expect(t.watermarkOf('x')).toBe(9);
  });

  test('what falls back is dropped', () => {
    const t = testHarness(judged(lastMinusOne));
    t.push(4).advance(50).push(2).advance(50);
    expect(t.watermarkOf('x')).toBe(3);
  });

  test('the interval is 200 ms unless it is said', () => {
    const asked: number[] = [];
    const watermarks = defineWatermarks({
      create: () => ({}),
      element: () => undefined,
      periodic: (_state, now) => void asked.push(now),
    });
    const t = testHarness(judged(watermarks), { start: 1000 });
    t.push(1).advance(500);
    expect(asked).toEqual([1200, 1400]);
  });

  test('a split that is idle or at its end is not asked', () => {
    const asked: number[] = [];
    const watermarks = defineWatermarks({
      create: () => ({ highest: -1 }),
      element: (_value: number, timestamp, state) => void (state.highest = timestamp),
      periodic: ({ highest }) => void asked.push(highest),
      interval: 50,
    });
    const t = testHarness(two(watermarks));
    t.push(1, { input: 'a' }).push(2, { input: 'b' }).advance(50);
    t.idle({ input: 'a' }).advance(50).end({ input: 'b' }).advance(50);
    expect(asked).toEqual([1, 2, 2]);
    t.push(3, { input: 'a' }).advance(50).end({ input: 'a' }).advance(500);
    expect(asked).toEqual([1, 2, 2, 3]);
  });

  test('one that says nothing, and has been idle, is not waited for after a restore either', () => {
    const silent = defineWatermarks({ create: () => ({}), element: () => undefined });
    const atOnce = defineWatermarks({ create: () => ({}), element: (_n: number, time) => time });
    const t = testHarness(unlike(silent, atOnce));
    t.push(1, { input: 'a' }).idle({ input: 'a' }).push(5, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(5);
    t.push(6, { input: 'a' }).push(7, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(7);
    t.restore(t.checkpoint());
    t.push(9, { input: 'b' });
    expect(t.watermarkOf('x')).toBe(9);
  });

  test('in a job too', async () => {
    const sink = collect<number>({ uid: 'out' });
    const clock = { asked: 0 };
    const watermarks = defineWatermarks({
      create: (): Last => ({ last: 0 }),
      element: (_value: number, timestamp, state) => void (state.last = timestamp),
      periodic({ last }) {
        clock.asked += 1;
        return last;
      },
      interval: 1,
    });
    function* until(): Iterable<number> {
      yield 1;
      for (let at = 2; clock.asked < 3 && at < 1e6; at += 1) yield at;
    }
    const from = iterable(until, { chunk: 64 });
    await run(judged(watermarks), { from, to: sink }).done;
    expect(clock.asked).toBeGreaterThanOrEqual(3);
    expect(new Set(sink.values).size).toBeGreaterThan(1);
  });
});

describe('what goes wrong', () => {
  test.each([
    ['NaN', NaN],
    ['text', '5'],
  ])('%s as a watermark fails the run, also where failures are collected', (_name, said) => {
    const watermarks = defineWatermarks({ create: () => ({}), element: () => said as number });
    const t = testHarness(judged(watermarks), { onFailure: 'collect' });
    expect(() => t.push(7)).toThrow(/WATERMARK_INVALID.*operator "eventTime", timestamp 7, input/);
    expect(t.dead()).toEqual([]);
  });

  test('a function that throws is named', () => {
    const watermarks = defineWatermarks({
      create: () => ({}),
      element() {
        throw new Error('deep');
      },
    });
    const t = testHarness(judged(watermarks));
    expect(() => t.push(7)).toThrow(/USER_FUNCTION_FAILED.*deep.*operator "eventTime"/);
  });

  test('at a tick the split and the time are named', () => {
    const watermarks = defineWatermarks({
      create: () => ({}),
      element: () => undefined,
      periodic: () => NaN,
    });
    const t = testHarness(judged(watermarks));
    t.push(7);
    expect(() => t.advance(200)).toThrow(/WATERMARK_INVALID.*eventTime.*split 0.*time 200/);
  });

  test('a job ends with it, and without a dead letter', async () => {
    const watermarks = defineWatermarks({ create: () => ({}), element: () => NaN });
    const failed = run(judged(watermarks), { from: iterable([7]), to: collect({ uid: 'out' }) });
    await expect(failed.done).rejects.toThrow('WATERMARK_INVALID');
  });

  test('a state that no checkpoint could hold is refused when a run starts', async () => {
    const watermarks = defineWatermarks({
      create: () => ({ add: () => 1 }),
      element: () => undefined,
    });
    const failed = run(judged(watermarks), { from: iterable([7]), to: collect({ uid: 'out' }) });
    await expect(failed.done).rejects.toThrow('VALUE_NOT_ENCODABLE');
  });

  test('options are checked, all at once', () => {
    const options = { create: {}, periodic: 5, interval: 0, intervall: 1 };
    expect(() => defineWatermarks(options as never)).toThrow(
      /OPTIONS_INVALID.*create: a function; element: a function; periodic: a function; interval: a duration > 0.*unknown option "intervall"/,
    );
    const later = async (): Promise<number> => 1;
    expect(() => defineWatermarks({ create: () => ({}), element: later as never })).toThrow(
      /USER_FUNCTION_ASYNC.*defineWatermarks\(\)\.element/,
    );
  });
});

describe('over a crash', () => {
  test('state and watermark are those of the checkpoint', () => {
    const whole = testHarness(judged(secondHighest));
    const crashed = testHarness(judged(secondHighest));
    for (const time of [4, 9, 7, 12, 5, 20, 30]) {
      whole.push(time);
      crashed.push(time).checkpoint();
      crashed.crash();
    }
    expect(crashed.output()).toEqual(whole.output());
    expect(crashed.watermarkOf('x')).toBe(whole.watermarkOf('x'));
  });

  test('the clock begins its interval anew', () => {
    const t = testHarness(judged(lastMinusOne));
    t.push(4).advance(30).checkpoint();
    t.crash();
    t.push(5).advance(49);
    expect(t.watermarkOf('x')).toBe(-Infinity);
    t.advance(1);
    expect(t.watermarkOf('x')).toBe(4);
  });

  test('a job keeps the state of each split in its commits', async () => {
    const sink = collect<number>({ uid: 'out' });
    const job = run(two(secondHighest), {
      from: { a: splitIterable([[1, 3, 5]]), b: iterable([2, 4, 6]) },
      to: sink,
      checkpoint: { records: 1 },
    });
    await expect(job.done).resolves.toMatchObject({ phase: 'finished', records: 6 });
  });
});

/** The second highest timestamp so far. */
const secondHighest: Watermarks<number> = defineWatermarks({
  create: () => ({ best: [] as number[] }),
  element(_value: number, timestamp, state) {
    state.best = [...state.best, timestamp].sort((a, b) => b - a).slice(0, 2);
    return state.best[1];
  },
});

/** Emits the watermark that each element meets. */
function judge(watermarks: Watermarks<number>) {
  return pipeline('judge', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, watermarks }),
      keyBy(() => 'k'),
      process({ uid: 'x', element: (_n, { watermark }) => [watermark] }),
    ),
  );
}

function judged(watermarks: Watermarks<number>): Pipeline<number, number> {
  return judge(watermarks);
}

/** Two splits of one generator: an eventTime behind a union. */
function two(
  watermarks: Watermarks<number>,
): PipelineDefinition<{ a: number; b: number }, { output: number }> {
  return pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
    a.pipe(
      union(b),
      eventTime({ timestamp: (n) => n, watermarks }),
      keyBy(() => 'k'),
      process({ uid: 'x', element: (_n, { watermark }) => [watermark] }),
    ),
  );
}

/** Two generators, whose streams meet behind them. */
function unlike(
  first: Watermarks<number>,
  second: Watermarks<number>,
): PipelineDefinition<{ a: number; b: number }, { output: number }> {
  return pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
    a.pipe(
      eventTime({ timestamp: (n) => n, watermarks: first }),
      union(b.pipe(eventTime({ timestamp: (n) => n, watermarks: second }))),
      keyBy(() => 'k'),
      process({ uid: 'x', element: (_n, { watermark }) => [watermark] }),
    ),
  );
}
