import { Subject, of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  asyncFlatMap,
  asyncMap,
  eventTime,
  keyBy,
  map,
  pipeline,
  stream,
  tumbling,
  unchecked,
  window,
  count,
  type AsyncMapOptions,
  type TidemarkError,
} from '../index.js';
import { PendingCalls, testHarness } from '../testing/index.js';

interface Play {
  readonly song: string;
  readonly at: number;
}

/** Plays whose song is looked up, then counted per song and 10 ms. */
function counted(
  answers: PendingCalls<string>,
  options: Pick<AsyncMapOptions<Play, Play>, 'ordered'> = {},
) {
  return pipeline('counted', unchecked<Play>(), (plays) =>
    plays.pipe(
      eventTime({ timestamp: (play) => play.at, every: 0 }),
      asyncMap(
        (play: Play, call) => answers.ask(play.song, call, (song): Play => ({ song, at: play.at })),
        { uid: 'titles', ...options },
      ),
      keyBy((play) => play.song),
      window(tumbling({ size: 10 }), count(), { uid: 'counts' }),
      map(({ key, window: { start }, value }) => `${key}@${start}=${value}`),
    ),
  );
}

describe('asyncMap', () => {
  test('gives answers in the order of their elements, however they come', () => {
    const answers = new PendingCalls<number>();
    const t = testHarness(
      pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(asyncMap((n, call) => answers.ask(n, call), { uid: 'ask' })),
      ),
    );
    t.push(1).push(2).push(3);
    answers.answer(3, 30).answer(2, 20);
    expect(t.output()).toEqual([]);
    answers.answer(1, 10);
    expect(t.output()).toEqual([10, 20, 30]);
    expect(t.stateSize()).toBe(0);
  });

  test('unordered: gives them as they come, but never across a watermark', () => {
    const answers = new PendingCalls<string>();
    const t = testHarness(counted(answers, { ordered: false }));
    t.push({ song: 'a', at: 1 }).push({ song: 'b', at: 25 }).push({ song: 'c', at: 26 });
    answers.answer('c', 'C').answer('b', 'B');
    // The watermark of 25 has closed the window of a, which is still being looked up.
    expect(t.output()).toEqual([]);
    expect(t.watermarkOf('counts')).toBe(-Infinity);
    answers.answer('a', 'A');
    expect(t.output()).toEqual(['A@0=1']);
    expect(t.late()).toEqual([]);
    expect(t.end().output()).toEqual(['A@0=1', 'B@20=1', 'C@20=1']);
  });

  test('at most as many calls as its capacity are made at a time, the others wait in the state', () => {
    const answers = new PendingCalls<number>();
    const t = testHarness(
      pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(asyncMap((n, call) => answers.ask(n, call), { uid: 'ask', capacity: 2 })),
      ),
    );
    t.pushChunk([1, 2, 3, 4]);
    expect(answers.open()).toEqual([1, 2]);
    answers.answer(2, 20);
    expect(answers.open()).toEqual([1]); // The answer waits for its place, and keeps it.
    answers.answer(1, 10);
    expect(answers.open()).toEqual([3, 4]);
    expect(t.stateSize()).toBe(2);
  });

  test('after a crash what was in flight is called again before anything new, with the same key', () => {
    const answers = new PendingCalls<string>();
    const t = testHarness(counted(answers));
    t.push({ song: 'a', at: 1 }).push({ song: 'b', at: 2 });
    t.checkpoint();
    t.push({ song: 'c', at: 30 });
    const before = [...answers.calls];
    t.crash();
    const again = answers.calls.slice(before.length);
    expect(again.map(({ value }) => value)).toEqual(['a', 'b', 'c']);
    expect(again.map(({ idempotencyKey }) => idempotencyKey)).toEqual(
      before.map(({ idempotencyKey }) => idempotencyKey),
    );
    expect(before.every(({ signal }) => signal.aborted)).toBe(true);
    answers.answer('a', 'A').answer('b', 'A').answer('c', 'C');
    expect(t.end().output()).toEqual(['A@0=2', 'C@30=1']);
  });

  test('a restore puts the watermarks back between the elements that had seen them', () => {
    const answers = new PendingCalls<string>();
    const t = testHarness(counted(answers, { ordered: false }));
    t.push({ song: 'a', at: 1 }).push({ song: 'b', at: 25 }).push({ song: 'c', at: 45 });
    t.checkpoint();
    t.restore();
    answers.answer('c', 'C').answer('b', 'B');
    expect(t.output()).toEqual([]);
    answers.answer('a', 'A');
    expect(t.output()).toEqual(['A@0=1', 'B@20=1']);
    expect(t.late()).toEqual([]);
  });

  test('an answer may be any number of results with asyncFlatMap, or nothing', async () => {
    const seen: string[] = [];
    await new Promise<void>((complete) => {
      stream(of('ab', '', 'c'))
        .pipe(asyncFlatMap(async (text) => text.split(''), { uid: 'letters' }))
        .subscribe({ next: (letter) => seen.push(letter), complete });
    });
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  test('a keyed stream tells of its key, and the output has none', () => {
    const answers = new PendingCalls<number>();
    const keys: unknown[] = [];
    const t = testHarness(
      pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(
          keyBy((n) => n % 2 === 0),
          asyncMap(
            (n, call) => {
              keys.push(call.key, call.timestamp, call.attempt);
              return answers.ask(n, call);
            },
            { uid: 'ask' },
          ),
        ),
      ),
    );
    t.push(1).push(2);
    expect(keys).toEqual([false, undefined, 1, true, undefined, 1]);
    expect(t.state('ask', true)).toHaveLength(1);
    answers.answer(1, 10).answer(2, 20);
    expect(t.output()).toEqual([10, 20]);
  });

  test('an idle stream is not idle behind it while something is in flight', () => {
    const answers = new PendingCalls<string>();
    const t = testHarness(counted(answers));
    t.push({ song: 'a', at: 5 }).idle();
    answers.answer('a', 'A');
    expect(t.watermark(20).output()).toEqual(['A@0=1']);
  });
});

describe('a subscription', () => {
  const limited = (overflow: 'error' | 'dropOldest') => {
    const answers = new PendingCalls<number>();
    const source = new Subject<number>();
    const seen: unknown[] = [];
    stream(source)
      .pipe(
        asyncMap((n: number, call) => answers.ask(n, call), { uid: 'ask', capacity: 2, overflow }),
      )
      .subscribe({
        next: (n) => seen.push(n),
        error: (error: TidemarkError) => seen.push(error.code),
        complete: () => seen.push('complete'),
      });
    return { answers, source, seen };
  };

  test('fails at capacity, and aborts what is in flight', () => {
    const { answers, source, seen } = limited('error');
    for (const n of [1, 2, 3]) source.next(n);
    expect(seen).toEqual(['ASYNC_OVERFLOW']);
    expect(answers.calls.every(({ signal }) => signal.aborted)).toBe(true);
  });

  test('or drops the oldest element in flight', () => {
    const { answers, source, seen } = limited('dropOldest');
    for (const n of [1, 2, 3]) source.next(n);
    expect(answers.calls.map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
    answers.answer(1, 10).answer(3, 30).answer(2, 20);
    expect(seen).toEqual([20, 30]);
  });

  test('completes when its source has and nothing is in flight', () => {
    const { answers, source, seen } = limited('error');
    source.next(1);
    source.complete();
    expect(seen).toEqual([]);
    answers.answer(1, 10);
    expect(seen).toEqual([10, 'complete']);
  });

  test('hears of a call that fails', () => {
    const { answers, source, seen } = limited('error');
    source.next(1);
    answers.fail(1, new Error('no'));
    expect(seen).toEqual(['USER_FUNCTION_FAILED']);
  });
});

describe('refusals', () => {
  test('all wrong options are named at once', () => {
    expect(() =>
      asyncMap((n: number) => n, { uid: 'x', capacity: 0, timeout: 0, ordered: 1 } as never),
    ).toThrow(/OPTIONS_INVALID.*capacity.*ordered.*timeout/);
    expect(() =>
      asyncMap((n: number) => n, { uid: 'x', retry: { attempts: 1, delay: 5 } }),
    ).toThrow(/OPTIONS_INVALID.*retry.attempts/);
    expect(() => asyncMap(undefined as never, { uid: 'x' })).toThrow(/OPTIONS_INVALID.*fn/);
    expect(() =>
      asyncMap((n: number) => n, { uid: 'x', onTimeout: (async () => 1) as never }),
    ).toThrow(/USER_FUNCTION_ASYNC/);
    expect(() => stream(of(1)).pipe(asyncMap((n: number) => n, { uid: '?' }))).toThrow(
      /UID_INVALID/,
    );
  });

  test('a promise given to map is pointed to asyncMap', () => {
    expect(() => stream(of(1)).pipe(map(async (n: number) => n))).toThrow(/asyncMap/);
  });
});
