import { describe, expect, test } from 'vitest';
import {
  callback,
  collect,
  count,
  crashPoints,
  eventTime,
  iterable,
  keyBy,
  map,
  memory,
  nodeRuntime,
  pipeline,
  process,
  run,
  splitIterable,
  topK,
  tumbling,
  unchecked,
  valueState,
  window,
  type CrashPoint,
  type PipelineDefinition,
  type RunSummary,
  type StateBackendFactory,
} from '../index.js';

interface Play {
  readonly song: string;
  readonly at: number;
}

const RECORDS = 6000;

const plays: Play[] = Array.from({ length: RECORDS }, (_, n) => ({
  song: `song ${(n * 7) % 13}`,
  at: n * 10,
}));

const chart = pipeline('chart', unchecked<Play>(), (play$) =>
  play$.pipe(
    eventTime({ timestamp: ({ at }) => at, every: 0 }),
    keyBy(({ song }) => song),
    process({
      uid: 'ordinal',
      state: { count: valueState(0) },
      element({ song, at }: Play, { state, timers }) {
        state.count.set(state.count.get() + 1);
        timers.setEventTime(at + 400);
        return [{ song, ordinal: state.count.get() }];
      },
      timer: ({ time }, { key }) => [{ song: key as string, ordinal: -time }],
    }),
    keyBy(({ song }) => song),
    window(tumbling({ size: '1s' }), count(), { uid: 'per-second' }),
    topK(2, { uid: 'top', by: (r) => r.value, per: (r) => r.window.end }),
    map(({ per, top }) => `${per}: ${top.map(({ key, value }) => `${key} x${value}`).join(', ')}`),
  ),
);

const expected = await (async (): Promise<string[]> => {
  const out = collect<string>({ uid: 'out' });
  await run(chart, { from: iterable(plays), to: out }).done;
  return out.values.toSorted();
})();

describe('a job that is stopped and started again', () => {
  test.each([
    ['one shard', [1]],
    ['three shards', [3]],
    ['another number of shards each time', [1, 3, 8, 2]],
  ])('gives what it gives in one run: %s', async (_name, shards) => {
    const out = collect<string>({ uid: 'out' });
    const state = memory();
    const halves = [0, 1].map((part) => plays.filter((_, n) => n % 2 === part));
    let last: RunSummary | undefined;
    let runs = 0;
    while (last?.phase !== 'finished' && runs < 200) {
      const parallelism = shards[runs % shards.length] ?? 1;
      const running = run(chart, {
        from: splitIterable(halves, { chunk: 20 }),
        to: out,
        state,
        parallelism,
        checkpoint: { records: 90 },
      });
      await turns(2 + (runs % 4));
      const epoch = last?.epoch ?? 0;
      last = await within(running.stop());
      expect(last.resumedFromEpoch).toBe(epoch);
      expect(last.epoch).toBeGreaterThan(epoch);
      runs += 1;
    }
    expect(runs).toBeGreaterThan(1);
    expect(out.values.toSorted()).toEqual(expected);
    expect(last?.operators['ordinal']).toMatchObject({
      received: RECORDS,
      accepted: RECORDS,
      late: 0,
    });
    expect(last?.operators['per-second']).toMatchObject({ received: 2 * RECORDS, late: 0 });
    expect(last?.records).toBe(RECORDS);
  });

  test('stop gives what was read, and says that it has stopped', async () => {
    const out = collect<number>({ uid: 'out' });
    const p = pipeline('p', unchecked<number>(), (n$) => n$);
    const running = run(p, { from: iterable(endless, { chunk: 10 }), to: out });
    await turns(10);
    const summary = await within(running.stop());
    expect(summary.phase).toBe('stopped');
    expect(summary.records).toBe(out.values.length);
    expect(out.values.length).toBeGreaterThan(0);
    expect(await running.done).toBe(await running.stop());
  });

  test('stop before it has begun is a run without records', async () => {
    const p = pipeline('p', unchecked<number>(), (n$) => n$);
    const state = memory();
    const out = collect<number>({ uid: 'out' });
    const running = run(p, { from: iterable(endless), to: out, state });
    expect(await within(running.stop())).toMatchObject({ phase: 'stopped', records: 0, epoch: 1 });
  });
});

describe('a job that has finished', () => {
  test('says so, and does nothing', async () => {
    const state = memory();
    const out = collect<string>({ uid: 'out' });
    const first = await within(run(chart, { from: iterable(plays), to: out, state }).done);
    const second = await within(run(chart, { from: iterable(plays), to: out, state }).done);
    expect(second).toMatchObject({
      phase: 'finished',
      alreadyFinished: true,
      resumedFromEpoch: first.epoch,
      epoch: first.epoch,
      records: RECORDS,
    });
    expect(out.values.toSorted()).toEqual(expected);
  });
});

describe('an abort', () => {
  test('ends the run at once, and the next one goes on from the last commit', async () => {
    const state = memory();
    const out = collect<string>({ uid: 'out' });
    const controller = new AbortController();
    const reason = new Error('deploy');
    const running = run(chart, {
      from: iterable(plays, { chunk: 10 }),
      to: out,
      state,
      checkpoint: { records: 100 },
      signal: controller.signal,
    });
    await turns(100);
    controller.abort(reason);
    await expect(within(running.done)).rejects.toMatchObject({
      code: 'RUN_CANCELLED',
      cause: reason,
    });
    const rest = await within(run(chart, { from: iterable(plays), to: out, state }).done);
    expect(rest.resumedFromEpoch).toBeGreaterThan(0);
    expect(out.values.toSorted()).toEqual(expected);
  });

  test('that came before the start commits nothing', async () => {
    const state = memory();
    const out = collect<string>({ uid: 'out' });
    const { done } = run(chart, {
      from: iterable(plays),
      to: out,
      state,
      signal: AbortSignal.abort(),
    });
    await expect(within(done)).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    expect(out.values).toEqual([]);
    expect(await within(run(chart, { from: iterable(plays), to: out, state }).done)).toMatchObject({
      resumedFromEpoch: 0,
    });
  });

  test('after the end changes nothing', async () => {
    const controller = new AbortController();
    const out = collect<string>({ uid: 'out' });
    const { done } = run(chart, { from: iterable(plays), to: out, signal: controller.signal });
    await within(done);
    controller.abort();
    expect((await done).phase).toBe('finished');
  });
});

describe('a failure at each point of a commit', () => {
  const few = plays.slice(0, 1600);

  test.each(crashPoints)('%s: the next run gives the rest, once', async (point) => {
    const whole = collect<string>({ uid: 'out' });
    await run(chart, { from: iterable(few), to: whole }).done;
    for (const parallelism of [1, 3]) {
      const state = memory();
      const out = collect<string>({ uid: 'out' });
      const attempt = (runtime: ReturnType<typeof nodeRuntime>): Promise<RunSummary> =>
        within(
          run(chart, {
            from: iterable(few, { chunk: 200 }),
            to: out,
            state,
            parallelism,
            checkpoint: { records: 500 },
            runtime,
          }).done,
        );
      await expect(attempt({ ...nodeRuntime(), at: once(point) })).rejects.toThrow(
        `died at ${point}`,
      );
      await attempt(nodeRuntime());
      expect(out.values.toSorted()).toEqual(whole.values.toSorted());
    }
  });
});

describe('state that does not fit', () => {
  const numbers = (
    name: string,
    uid: string,
  ): PipelineDefinition<{ input: number }, { output: number }> =>
    pipeline(name, unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n),
        process({
          uid,
          state: { seen: valueState(0) },
          element(n: number, { state }) {
            state.seen.set(n);
            return [n];
          },
        }),
      ),
    );
  const start = (
    definition: ReturnType<typeof numbers>,
    state: StateBackendFactory,
    more: { maxParallelism?: number; parallelism?: number } = {},
  ): Promise<RunSummary> => {
    const running = run(definition, {
      from: iterable([1, 2, 3], { chunk: 1 }),
      to: collect<number>({ uid: 'out' }),
      state,
      ...more,
    });
    return within(running.stop());
  };

  test('is refused before anything is touched, and stays usable', async () => {
    const state = memory();
    await start(numbers('p', 'x'), state, { maxParallelism: 64 });
    await expect(start(numbers('q', 'x'), state)).rejects.toMatchObject({
      code: 'STATE_OF_ANOTHER_JOB',
    });
    await expect(start(numbers('p', 'y'), state)).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
    });
    await expect(start(numbers('p', 'x'), state, { maxParallelism: 128 })).rejects.toMatchObject({
      code: 'MAX_PARALLELISM_CHANGED',
    });
    expect(await start(numbers('p', 'x'), state, { parallelism: 8 })).toMatchObject({
      resumedFromEpoch: 1,
    });
  });

  test('held by another run is refused, and the other run goes on', async () => {
    const state = memory();
    const p = pipeline('p', unchecked<number>(), (n$) => n$);
    const first = run(p, { from: iterable(endless), to: collect<number>({ uid: 'out' }), state });
    const second = run(p, { from: iterable(endless), to: collect<number>({ uid: 'out' }), state });
    await expect(within(second.done)).rejects.toMatchObject({ code: 'STATE_IN_USE' });
    expect((await within(first.stop())).phase).toBe('stopped');
  });

  test('a split that is gone before its end is refused', async () => {
    const state = memory();
    const p = pipeline('p', unchecked<number>(), (n$) => n$);
    const to = collect<number>({ uid: 'out' });
    const many = Array.from({ length: 5000 }, (_, n) => n);
    const first = run(p, { from: splitIterable([many, many], { chunk: 1 }), to, state });
    await within(first.stop());
    const second = run(p, { from: splitIterable([many]), to, state });
    await expect(within(second.done)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });
});

describe('checkpoints', () => {
  test('end epochs by the number of records', async () => {
    const out = collect<string>({ uid: 'out' });
    const options = { from: iterable(plays, { chunk: 10 }), to: out };
    const { epoch } = await within(run(chart, { ...options, checkpoint: { records: 2000 } }).done);
    expect(epoch).toBeGreaterThanOrEqual(3);
    expect(epoch).toBeLessThanOrEqual(6);
  });

  test('begin none at a resume that has read nothing new', async () => {
    const state = memory();
    const p = pipeline('p', unchecked<number>(), (n$) => n$);
    const options = { to: collect<number>({ uid: 'out' }), state, checkpoint: { records: 10 } };
    const first = run(p, { ...options, from: iterable(endless, { chunk: 5 }) });
    await turns(40);
    const { epoch } = await within(first.stop());
    const second = await within(run(p, { ...options, from: iterable(endless) }).stop());
    expect(second.epoch).toBe(epoch + 1);
  });

  test('make outputs visible: nothing of an epoch before its end', async () => {
    const out = collect<number>({ uid: 'out' });
    const p = pipeline('p', unchecked<number>(), (n$) => n$);
    const running = run(p, { from: iterable(endless, { chunk: 10 }), to: out });
    await turns(30);
    expect(out.values).toEqual([]);
    await within(running.stop());
    expect(out.values.length).toBeGreaterThan(0);
  });

  test('at least once outputs do not wait for them', async () => {
    const seen: number[] = [];
    const p = pipeline('p', unchecked<number>(), (n$) => n$);
    const running = run(p, {
      from: iterable(endless, { chunk: 1024 }),
      to: callback<number>((n) => void seen.push(n), { uid: 'out' }),
      guarantee: 'at-least-once',
    });
    await turns(30);
    expect(seen.length).toBeGreaterThan(0);
    await within(running.stop());
  });
});

function* endless(): Generator<number> {
  for (let n = 0; ; n += 1) yield n;
}

/** Dies at a crash point, the second time where it comes again and again. */
function once(point: CrashPoint): (at: CrashPoint) => Promise<void> {
  let left = point.startsWith('epoch.') ? 2 : 1;
  return (at) => {
    if (at === point) left -= 1;
    return at === point && left === 0
      ? Promise.reject(new Error(`died at ${point}`))
      : Promise.resolve();
  };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((done) => setImmediate(done));
}

/** Waits by turns of the event loop, so that a run that hangs fails in a moment. */
async function within<T>(promise: Promise<T>): Promise<T> {
  const watch = { isSettled: false };
  const watched = promise.finally(() => (watch.isSettled = true));
  watched.catch(() => undefined);
  for (let turn = 0; turn < 20_000 && !watch.isSettled; turn += 1) await turns(1);
  if (!watch.isSettled) throw new Error('the run hangs');
  return watched;
}
