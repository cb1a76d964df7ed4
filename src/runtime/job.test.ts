import { describe, expect, test } from 'vitest';
import {
  collect,
  connect,
  count,
  eventTime,
  filter,
  flatMap,
  iterable,
  keyBy,
  map,
  outputTag,
  pipeline,
  process,
  run,
  splitIterable,
  sum,
  topK,
  tumbling,
  unchecked,
  union,
  valueState,
  window,
  type CollectSink,
  type PipelineDefinition,
  type RunSummary,
} from '../index.js';
import { testHarness } from '../testing/index.js';

interface Play {
  readonly song: string;
  readonly at: number;
}

const plays: Play[] = Array.from({ length: 2000 }, (_, n) => ({
  song: `song ${(n * 7) % 23}`,
  at: n * 10 - (n % 5) * 30 + 200,
}));

const chart = pipeline('chart', unchecked<Play>(), (play$) =>
  play$.pipe(
    filter(({ song }) => song !== 'song 3'),
    eventTime({ timestamp: ({ at }) => at, outOfOrderness: 500 }),
    keyBy(({ song }) => song),
    window(tumbling({ size: '1s' }), count(), { uid: 'plays' }),
    topK(3, { uid: 'top', by: (r) => r.value, per: (r) => r.window.end }),
    map(({ per, top }) => `${per}: ${top.map(({ key, value }) => `${key} x${value}`).join(', ')}`),
  ),
);

const expected = ((): string[] => {
  const t = testHarness(chart);
  for (const play of plays) t.push(play);
  return t.end().output().toSorted();
})();

describe('the same pipeline at any parallelism', () => {
  test.each([1, 2, 3, 8])('%d shards give what one task gives', async (parallelism) => {
    const out = sink<string>();
    const summary = await done(chart, { from: iterable(plays), to: out, parallelism });
    expect(out.values.toSorted()).toEqual(expected);
    expect(summary).toMatchObject({
      phase: 'finished',
      records: 2000,
      late: 0,
      deadLetters: 0,
      watermark: Infinity,
      epoch: 1,
      alreadyFinished: false,
      resumedFromEpoch: 0,
    });
    expect(summary.operators['filter']).toMatchObject({ received: 2000, filtered: 87 });
    expect(summary.operators['plays']).toMatchObject({ received: 1913, accepted: 1913 });
  });

  test('small chunks and few keys do not stop it: a channel that fills up is sent on', async () => {
    const counted = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy(() => 'hot'),
        process({
          uid: 'c',
          state: { count: valueState(0) },
          element(_n: number, { state }) {
            state.count.set(state.count.get() + 1);
            return [state.count.get()];
          },
        }),
      ),
    );
    const values = Array.from({ length: 5000 }, (_, n) => n);
    for (const chunk of [7, 100, 1000]) {
      const out = sink<number>();
      await done(counted, { from: iterable(values, { chunk }), to: out, parallelism: 3 });
      expect(out.values.at(-1)).toBe(5000);
    }
  });

  test('elements that become many do not stop it either', async () => {
    const wide = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        flatMap((n) => Array.from({ length: 3000 }, (_, m) => n * 3000 + m)),
        keyBy((n) => n % 5),
        process({ uid: 'x', element: (n: number) => [n] }),
        keyBy((n) => n % 3),
        process({ uid: 'y', element: (n) => [n] }),
      ),
    );
    const out = sink<number>();
    await done(wide, { from: iterable([0, 1, 2, 3]), to: out, parallelism: 3 });
    expect(out.values.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 12_000 }, (_, n) => n),
    );
  });

  test('the order of the elements of one key stays', async () => {
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n % 7),
        process<number, number, number>({ uid: 'x', element: (n) => [n] }),
      ),
    );
    const out = sink<number>();
    const values = Array.from({ length: 3000 }, (_, n) => n);
    await done(p, { from: iterable(values, { chunk: 50 }), to: out, parallelism: 3 });
    for (let key = 0; key < 7; key += 1) {
      const ofKey = out.values.filter((n) => n % 7 === key);
      expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
    }
  });
});

describe('two inputs', () => {
  const joined = (
    behindFilter: boolean,
  ): PipelineDefinition<{ a: number; b: number }, { output: readonly [number, number] }> =>
    pipeline('joined', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) => {
      const left = a.pipe(keyBy((n) => n % 10));
      return (behindFilter ? left.pipe(filter((n) => n >= 0)) : left).pipe(
        connect(b.pipe(keyBy((n) => n % 10)), {
          uid: 'x',
          state: { sum: valueState(0) },
          first(n, { state, key }) {
            state.sum.set(state.sum.get() + n);
            return [[key, state.sum.get()] as const];
          },
          second(n, { state, key }) {
            state.sum.set(state.sum.get() + n * 1000);
            return [[key, state.sum.get()] as const];
          },
        }),
      );
    });

  test.each([
    [1, false],
    [3, false],
    [1, true],
    [3, true],
  ])(
    '%d shards share the state of a key (filter before connect: %s)',
    async (parallelism, behind) => {
      const out = sink<readonly [number, number]>();
      const values = Array.from({ length: 100 }, (_, n) => n);
      const { operators } = await done(joined(behind), {
        from: { a: iterable(values), b: iterable(values) },
        to: out,
        parallelism,
        checkpoint: { records: 40 },
      });
      const sums = new Map<number, number>();
      for (const [key, sum] of out.values) sums.set(key, Math.max(sums.get(key) ?? 0, sum));
      // Whatever the order of the sides: the last total of a key holds its ten numbers from both.
      for (let key = 0; key < 10; key += 1) expect(sums.get(key)).toBe(1001 * (450 + 10 * key));
      expect(operators['x']).toMatchObject({ received: 200, accepted: 200 });
    },
  );

  test('windows over both wait for the slower one', async () => {
    const p = pipeline('p', { a: unchecked<Play>(), b: unchecked<Play>() }, ({ a, b }) => {
      const time = eventTime<Play>({ timestamp: ({ at }) => at, every: 0 });
      return a.pipe(
        time,
        union(b.pipe(time)),
        keyBy(({ song }) => song),
        window(tumbling({ size: 100 }), count(), { uid: 'w' }),
        keyBy(() => 'all'),
        window(
          tumbling({ size: 100 }),
          sum((r: { value: number }) => r.value),
          { uid: 'all' },
        ),
        map(({ window: { start }, value }) => `${start} ${value}`),
      );
    });
    const series = (count: number): Play[] =>
      Array.from({ length: count }, (_, n) => ({ song: `s${n % 11}`, at: n }));
    const results: string[][] = [];
    for (const parallelism of [1, 3]) {
      const out = sink<string>();
      const from = {
        a: iterable(series(500), { chunk: 10 }),
        b: splitIterable([series(300), series(700)], { chunk: 90 }),
      };
      const { late } = await done(p, { from, to: out, parallelism });
      expect(late).toBe(0);
      results.push(out.values.toSorted());
    }
    expect(results[0]?.length).toBe(7);
    expect(results[1]).toEqual(results[0]);
    expect(results[0]).toContain('0 300');
    expect(results[0]).toContain('600 100');
  });
});

describe('outputs', () => {
  const late = outputTag<Play>('late');
  const split = pipeline('split', unchecked<Play>(), (play$) => {
    const windows = play$.pipe(
      eventTime({ timestamp: ({ at }) => at, every: 0 }),
      keyBy(({ song }) => song),
      window(tumbling({ size: 100 }), count(), { uid: 'w', late }),
    );
    return { windows, late: windows.side(late), raw: play$ };
  });
  const given: Play[] = [5, 250, 20, 30, 400].map((at) => ({ song: 's', at }));

  test.each([1, 3])(
    'go to their sinks, each to several, or to none (%d shards)',
    async (parallelism) => {
      const raw = sink<Play>('raw');
      const again = sink<Play>('raw-again');
      const lates = sink<Play>('late');
      const summary = await done(split, {
        from: iterable(given),
        to: { raw: [raw, again], late: lates },
        parallelism,
      });
      expect([raw.values, again.values]).toEqual([given, given]);
      expect(lates.values.map(({ at }) => at)).toEqual([20, 30]);
      expect(summary.late).toBe(2);
    },
  );

  test.each([1, 3])(
    'late records are named by their source record (%d shards)',
    async (parallelism) => {
      const { lateSamples } = await done(split, {
        from: iterable(given, { name: 'plays' }),
        to: { late: sink<Play>() },
        parallelism,
      });
      expect(lateSamples).toEqual([
        { operator: 'w', timestamp: 20, watermark: 249, position: 'plays element 3', key: 's' },
        { operator: 'w', timestamp: 30, watermark: 249, position: 'plays element 4', key: 's' },
      ]);
    },
  );

  test.each([1, 3])(
    'late results are named by what derived them (%d shards)',
    async (parallelism) => {
      const p = pipeline('p', unchecked<Play>(), (play$) =>
        play$.pipe(
          eventTime({ timestamp: ({ at }) => at, every: 0 }),
          keyBy(({ song }) => song),
          window(tumbling({ size: 100 }), count(), { uid: 'w', allowedLateness: 1000 }),
          keyBy(() => 'all'),
          window(tumbling({ size: 100 }), count(), { uid: 'strict' }),
        ),
      );
      const { lateSamples } = await done(p, { from: iterable(given), to: sink(), parallelism });
      expect(lateSamples).toMatchObject([
        { operator: 'strict', timestamp: 99, key: 'all' },
        { operator: 'strict', timestamp: 99, key: 'all' },
      ]);
    },
  );

  test.each([1, 3])(
    'an input or a keyed stream may be an output itself (%d shards)',
    async (parallelism) => {
      const p = pipeline('p', unchecked<number>(), (n$) => ({
        plain: n$,
        keyed: n$.pipe(keyBy((n) => n)),
      }));
      const plain = sink<number>('plain');
      const keyed = sink<number>('keyed');
      await done(p, { from: iterable([1, 2, 3]), to: { plain, keyed }, parallelism });
      expect([plain.values, keyed.values]).toEqual([
        [1, 2, 3],
        [1, 2, 3],
      ]);
    },
  );

  test('a keyed stream that is read and is an output too loses nothing', async () => {
    const p = pipeline('p', unchecked<number>(), (n$) => {
      const keyed = n$.pipe(keyBy((n) => n));
      return { keyed, counted: keyed.pipe(process({ uid: 'x', element: (n) => [n] })) };
    });
    for (const parallelism of [1, 3]) {
      const keyed = sink<number>('keyed');
      const counted = sink<unknown>('counted');
      await done(p, { from: iterable([1, 2, 3]), to: { keyed, counted }, parallelism });
      expect(keyed.values).toEqual([1, 2, 3]);
      expect(counted.values.length).toBe(3);
    }
  });
});

describe('sources', () => {
  test.each([1, 3])('without elements finish at once (%d shards)', async (parallelism) => {
    const out = sink<string>();
    const summary = await done(chart, { from: iterable<Play>([]), to: out, parallelism });
    expect(summary).toMatchObject({ phase: 'finished', records: 0, watermark: Infinity, epoch: 1 });
    expect(out.values).toEqual([]);
  });

  test('without splits finish too', async () => {
    const summary = await done(chart, { from: splitIterable<Play>([]), to: sink<string>() });
    expect(summary).toMatchObject({ phase: 'finished', records: 0 });
  });

  test('of several splits are read side by side, by their watermarks', async () => {
    const out = sink<string>();
    const halves = [0, 1, 2].map((part) => plays.filter((_, n) => n % 3 === part));
    const summary = await done(chart, { from: splitIterable(halves), to: out, parallelism: 3 });
    expect(out.values.toSorted()).toEqual(expected);
    expect(summary.late).toBe(0);
  });

  test('an input that no output needs is read to its end', async () => {
    const p = pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a }) => a);
    const out = sink<number>();
    const from = { a: iterable([1]), b: iterable([2, 3]) };
    expect(await done(p, { from, to: out })).toMatchObject({ phase: 'finished' });
    expect(out.values).toEqual([1]);
  });
});

function sink<T>(uid = 'out'): CollectSink<T> {
  return collect<T>({ uid });
}

/** Waits for a run by turns of the event loop, so that one that hangs fails in a moment. */
async function done<Ins, Outs>(
  definition: PipelineDefinition<Ins, Outs>,
  options: Parameters<typeof run<Ins, Outs>>[1],
): Promise<RunSummary> {
  const watch = { isSettled: false };
  const running = run(definition, options);
  const settled = running.done.finally(() => (watch.isSettled = true));
  settled.catch(() => undefined);
  for (let turn = 0; turn < 20_000 && !watch.isSettled; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  if (!watch.isSettled) throw new Error('the run hangs');
  return settled;
}
