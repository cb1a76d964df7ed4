import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  count,
  eventTime,
  filter,
  keyBy,
  map,
  pipeline,
  sliding,
  topK,
  tumbling,
  unchecked,
  window,
  type Key,
  type Pipeline,
  type TopKOptions,
} from '../index.js';
import { testHarness } from '../testing/index.js';

interface Score {
  readonly key: Key;
  readonly at: number;
  readonly score: number;
  readonly group?: Key;
}

const minute = { size: 60_000 };

describe('a ranking', () => {
  test('is told once the watermark has reached the time of its group, best first', () => {
    const t = testHarness(ranked(2));
    t.push(score('a', 1, 5))
      .push(score('b', 2, 9))
      .push(score('c', 3, 7));
    t.watermark(2);
    expect(t.output()).toEqual([]);
    t.watermark(3);
    expect(shown(t.output())).toEqual(['all: b9 c7']);
    expect(t.records()[0]?.timestamp).toBe(3);
  });

  test('holds fewer than k where there are fewer', () => {
    const t = testHarness(ranked(10));
    t.push(score('a', 1, 5)).watermark(1);
    expect(shown(t.output())).toEqual(['all: a5']);
  });

  test('ties go by key, ascending, whatever the order of arrival', () => {
    for (const order of [
      ['c', 'a', 'b'],
      ['a', 'b', 'c'],
      ['b', 'c', 'a'],
    ]) {
      const t = testHarness(ranked(2));
      for (const key of order) t.push(score(key, 1, 5));
      expect(shown(t.watermark(1).output())).toEqual(['all: a5 b5']);
    }
  });

  test('ties of keys of different types have one order too', () => {
    const keys: Key[] = ['10', 10n, 10, [10], true];
    const tops = [keys, keys.toReversed()].map((order) => {
      const t = testHarness(ranked(5));
      for (const key of order) t.push(score(key, 1, 5));
      return t
        .watermark(1)
        .output()[0]
        ?.top.map(({ key }) => key);
    });
    expect(tops[0]).toEqual(tops[1]);
    expect(tops[0]?.length).toBe(5);
  });

  test('negative, infinite and zero ranks have their places', () => {
    const t = testHarness(ranked(5));
    for (const [key, rank] of [
      ['a', -1],
      ['b', Infinity],
      ['c', -Infinity],
      ['d', 0],
    ] as const)
      t.push(score(key, 1, rank));
    expect(
      t
        .watermark(1)
        .output()[0]
        ?.top.map(({ key }) => key),
    ).toEqual(['b', 'd', 'a', 'c']);
  });

  test('two infinite ranks are a tie, by key', () => {
    const t = testHarness(ranked(5));
    for (const key of ['b', 'a', 'c']) t.push(score(key, 1, Infinity));
    expect(
      t
        .watermark(1)
        .output()[0]
        ?.top.map(({ key }) => key),
    ).toEqual(['a', 'b', 'c']);
  });

  test('a later element of a key replaces the former one, for better or worse', () => {
    const t = testHarness(ranked(2));
    t.push(score('a', 1, 9))
      .push(score('b', 1, 5))
      .push(score('c', 1, 4))
      .push(score('a', 1, 1));
    expect(shown(t.watermark(1).output())).toEqual(['all: b5 c4']);
  });

  test('groups do not see each other', () => {
    const t = testHarness(ranked(1, { per: ({ group }) => group ?? 0 }));
    t.push({ ...score('a', 1, 5), group: 'x' }).push({ ...score('b', 2, 3), group: 'y' });
    t.push({ ...score('c', 2, 9), group: 'x' });
    expect(shown(t.watermark(2).output()).sort()).toEqual(['x: c9', 'y: b3']);
  });

  test('a later element moves the time of its group', () => {
    const t = testHarness(ranked(2));
    t.push(score('a', 5, 5))
      .push(score('b', 8, 3))
      .watermark(7);
    expect(t.output()).toEqual([]);
    expect(shown(t.watermark(8).output())).toEqual(['all: a5 b3']);
  });

  test('leaves nothing behind, and survives a crash', () => {
    const t = testHarness(ranked(2));
    t.push(score('a', 1, 5)).push(score('b', 1, 6));
    t.checkpoint();
    t.crash().push(score('c', 1, 7));
    expect(shown(t.watermark(1).output())).toEqual(['all: c7 b6']);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('an element behind the watermark is late, and counted', () => {
    const t = testHarness(ranked(2));
    t.watermark(10)
      .push(score('a', 10, 5))
      .push(score('b', 11, 5));
    expect(t.late()).toMatchObject([{ operator: 'top', timestamp: 10, watermark: 10 }]);
    expect(t.counters()['top']).toMatchObject({ received: 2, accepted: 1, late: 1 });
  });
});

describe('behind a window', () => {
  const chart = (
    k: number,
    lateness = 0,
    options: Partial<TopKOptions<{ key: string; value: number }, Key>> = {},
  ): Pipeline<Score, unknown> =>
    pipeline('p', unchecked<Score>(), (scores) =>
      scores.pipe(
        eventTime({ timestamp: ({ at }) => at, outOfOrderness: 1_000_000 }),
        keyBy(({ key }) => key as string),
        window(tumbling(minute), count(), { uid: 'w', allowedLateness: lateness }),
        topK(k, {
          uid: 'top',
          by: (result) => result.value,
          per: (result) => result.window.end,
          ...(options as object),
        }),
        map(({ per, top }) => `${per}: ${top.map((r) => `${r.key}${r.value}`).join(' ')}`),
      ),
    );

  test('the best of each window', () => {
    const t = testHarness(chart(2));
    for (const key of ['a', 'b', 'b', 'c', 'c', 'c']) t.push(score(key, 1, 0));
    t.push(score('a', 60_000, 0)).watermark(200_000);
    expect(t.output()).toEqual(['60000: c3 b2', '120000: a1']);
    expect(t.stateSize()).toBe(0);
  });

  test('each late update of the window gives a new ranking, until the lateness ends', () => {
    const t = testHarness(chart(2, 1000));
    for (const key of ['a', 'b', 'b']) t.push(score(key, 1, 0));
    t.watermark(60_000);
    expect(t.output()).toEqual(['60000: b2 a1']);
    t.push(score('a', 2, 0));
    t.push(score('a', 3, 0));
    t.push(score('z', 4, 0));
    expect(t.output().slice(1)).toEqual(['60000: a2 b2', '60000: a3 b2', '60000: a3 b2']);
    t.watermark(60_998).push(score('b', 5, 0));
    expect(t.output().slice(4)).toEqual(['60000: a3 b3']);
    t.watermark(60_999).push(score('b', 5, 0));
    expect(t.output().length).toBe(5);
    // A key of the window lingers for a while, because most keys come back at once.
    t.watermark(60_999 + 60_000);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('a group that begins late is told at once', () => {
    const t = testHarness(chart(2, 1000));
    t.watermark(60_500).push(score('a', 2, 0));
    expect(t.output()).toEqual(['60000: a1']);
  });

  test('late updates after a crash replace what was there before it', () => {
    const t = testHarness(chart(2, 1000));
    for (const key of ['a', 'b', 'b']) t.push(score(key, 1, 0));
    t.watermark(60_000).checkpoint();
    t.restore().push(score('a', 2, 0));
    t.checkpoint();
    t.crash().push(score('a', 3, 0));
    expect(t.output()).toEqual(['60000: b2 a1', '60000: a2 b2', '60000: a3 b2']);
  });

  test('an entry named by the user is replaced by a later one of its name', () => {
    const t = testHarness(
      chart(3, 0, { key: ({ key }: { key: string }) => key[0] ?? '' } as never),
    );
    for (const key of ['a1', 'a1', 'a2', 'b1']) t.push(score(key, 1, 0));
    t.watermark(60_000);
    expect(t.output()).toEqual(['60000: a21 b11']);
  });

  test('a group of several windows holds the last result of each key', () => {
    const t = testHarness(chart(3, 0, { per: () => 'day' }));
    for (const key of ['a', 'a', 'b']) t.push(score(key, 1, 0));
    for (const key of ['a', 'b', 'b']) t.push(score(key, 60_001, 0));
    t.watermark(59_999 + 60_000);
    expect(t.output().at(-1)).toBe('day: b2 a1');
  });

  test('filter and map in between do not hide the lateness of the window', () => {
    const t = testHarness(
      pipeline('p', unchecked<Score>(), (scores) =>
        scores.pipe(
          eventTime({ timestamp: ({ at }) => at, outOfOrderness: 1_000_000 }),
          keyBy(({ key }) => key as string),
          window(tumbling(minute), count(), { uid: 'w', allowedLateness: 1000 }),
          filter(({ value }) => value > 0),
          map((result) => ({ ...result, plays: result.value })),
          topK(2, { uid: 'top', by: ({ plays }) => plays, per: (r) => r.window.end }),
        ),
      ),
    );
    t.push(score('a', 1, 0))
      .watermark(60_000)
      .push(score('a', 2, 0));
    expect(t.output().map(({ top }) => top[0]?.plays)).toEqual([1, 2]);
  });

  test('sliding windows have a ranking per end', () => {
    const t = testHarness(
      pipeline('p', unchecked<Score>(), (scores) =>
        scores.pipe(
          eventTime({ timestamp: ({ at }) => at }),
          keyBy(({ key }) => key as string),
          window(sliding({ size: 10, slide: 5 }), count(), { uid: 'w' }),
          topK(1, { uid: 'top', by: (r) => r.value, per: (r) => r.window.end }),
        ),
      ),
    );
    for (const [key, at] of [
      ['a', 1],
      ['b', 6],
      ['b', 7],
    ] as const)
      t.push(score(key, at, 0));
    t.end();
    expect(t.output().map(({ per, top }) => `${per}${top[0]?.key}`)).toEqual(['5a', '10b', '15b']);
  });

  test('in a pipeline of its own knows the lateness of the window it is spliced onto', () => {
    const top = pipeline(
      'top',
      unchecked<{ key: string; value: number; window: { end: number } }>(),
      (results) =>
        results.pipe(
          eventTime({ timestamp: (r) => r.window.end - 1 }),
          topK(2, { uid: 'top', by: (r) => r.value, per: (r) => r.window.end }),
        ),
    );
    const t = testHarness(
      pipeline('p', unchecked<Score>(), (scores) =>
        scores.pipe(
          eventTime({ timestamp: ({ at }) => at, outOfOrderness: 1_000_000 }),
          keyBy(({ key }) => key as string),
          window(tumbling(minute), count(), { uid: 'w', allowedLateness: 1000 }),
          top,
        ),
      ),
    );
    t.push(score('a', 1, 0))
      .watermark(60_000)
      .push(score('a', 2, 0));
    expect(t.output().map((each) => each.top[0]?.value)).toEqual([1, 2]);
  });
});

describe('what is refused', () => {
  const options = { uid: 'top', by: (s: Score) => s.score, per: () => 'all' };

  test.each([0, -1, 1.5, NaN, Infinity, '3', undefined])('a k of %s', (k) => {
    expect(() => topK(k as number, options)).toThrow(/OPTIONS_INVALID.*k of topK "top"/);
  });

  test('async functions, and what is no function', () => {
    for (const name of ['by', 'per', 'key'])
      expect(() => topK(1, { ...options, [name]: async () => 1 } as never)).toThrow(
        'USER_FUNCTION_ASYNC',
      );
    expect(() => topK(1, { ...options, by: 'score' } as never)).toThrow('OPTIONS_INVALID');
  });

  test('a stream without event time', () => {
    expect(() => of(score('a', 1, 1)).pipe(topK(1, options))).toThrow(/TIME_MISSING.*topK "top"/);
  });

  test.each([NaN, 'x', undefined])('a rank of %s, with the place', (rank) => {
    const t = testHarness(ranked(1));
    expect(() => t.push(score('a', 1, rank as number))).toThrow(/operator "top".*timestamp 1/);
  });
});

function ranked(
  k: number,
  options: Partial<TopKOptions<Score, Key>> = {},
): Pipeline<Score, { per: Key; top: readonly Score[] }> {
  return pipeline('p', unchecked<Score>(), (scores) =>
    scores.pipe(
      eventTime({ timestamp: ({ at }) => at, outOfOrderness: 1_000_000 }),
      topK<Score, Key>(k, { uid: 'top', by: (s) => s.score, per: () => 'all', ...options }),
    ),
  );
}

function score(key: Key, at: number, rank: number): Score {
  return { key, at, score: rank };
}

function shown(outputs: readonly { per: Key; top: readonly Score[] }[]): string[] {
  return outputs.map(
    ({ per, top }) => `${String(per)}: ${top.map((s) => `${String(s.key)}${s.score}`).join(' ')}`,
  );
}
