import { describe, expect, test } from 'vitest';
import {
  asyncMap,
  collect,
  iterable,
  keyBy,
  pipeline,
  run,
  unchecked,
  union,
  type AsyncMapOptions,
  type DataStream,
} from '../index.js';
import { PendingCalls, simulatedWorld } from '../testing/index.js';
import { partFiles } from '../connectors/part-files.js';
import type { Runtime } from '../core/runtime.js';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Calls that take a while by the clock of a world, with what is in flight at most. */
function slowly(runtime: Runtime, waitMs: (n: number) => number) {
  const seen = { now: 0, most: 0, keys: new Map<number, string[]>() };
  const ask = (n: number, { idempotencyKey }: { idempotencyKey: string }): Promise<number> => {
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    seen.keys.set(n, [...(seen.keys.get(n) ?? []), idempotencyKey]);
    return new Promise((done) => {
      runtime.clock.setTimer(runtime.clock.now() + waitMs(n), () => {
        seen.now -= 1;
        done(n * 10);
      });
    });
  };
  return { seen, ask };
}

const asking = (
  ask: (n: number, call: { idempotencyKey: string }) => Promise<number>,
  options: Omit<AsyncMapOptions<number, number>, 'uid'>,
) =>
  pipeline('asking', unchecked<number>(), (n$) =>
    n$.pipe(asyncMap<number, number>(ask, { uid: 'ask', ...options })),
  );

describe('asyncMap in a job', () => {
  test.each([1, 3, 100])('never has more than its capacity in flight: %i', async (capacity) => {
    const world = simulatedWorld({ seed: 1 });
    const sink = collect<number>({ uid: 'out' });
    let most = 0;
    const outcome = await world.live(async (runtime) => {
      const { seen, ask } = slowly(runtime, (n) => 1 + (n % 7));
      const done = await run(asking(ask, { capacity }), {
        from: iterable(numbers(300), { chunk: 50 }),
        to: sink,
        checkpoint: { records: 40 },
        runtime,
      }).done;
      most = seen.most;
      return done;
    });
    expect(outcome).toMatchObject({ crashed: false, value: { phase: 'finished' } });
    expect(most).toBe(capacity);
    expect(sink.values).toEqual(numbers(300).map((n) => n * 10));
  });

  test('an epoch does not wait for what is in flight, not even at capacity', async () => {
    const world = simulatedWorld({ seed: 1 });
    await world.live((runtime) => {
      const { ask } = slowly(runtime, () => 1000);
      return run(asking(ask, { capacity: 3 }), {
        from: iterable(numbers(3)),
        to: collect({ uid: 'out' }),
        checkpoint: { every: '10ms' },
        runtime,
      }).done;
    });
    expect(world.visits.get('epoch.committed')).toBeGreaterThan(20);
  });

  test('a stop keeps what is in flight, and the next run calls it again with the same key', async () => {
    const world = simulatedWorld({ seed: 1 });
    const first = new PendingCalls<number>();
    const settings = (runtime: Runtime) => ({
      from: iterable(numbers(4)),
      to: partFiles<number>({ uid: 'out', directory: '/out' }),
      state: world.disk,
      runtime,
    });
    const stopped = await world.live(async (runtime) => {
      const running = run(
        asking((n, call) => Promise.resolve(first.ask(n, call as never)), { timeout: '1d' }),
        settings(runtime),
      );
      while (first.calls.length < 4) await turn();
      first.answer(1, 10);
      return running.stop();
    });
    expect(stopped).toMatchObject({ value: { phase: 'stopped' } });
    expect(first.calls.map(({ signal }) => signal.aborted)).toEqual([true, false, true, true]);
    expect(await world.lines('/out')).toEqual([]);
    const again: string[] = [];
    const finished = await world.live(
      (runtime) =>
        run(
          asking(async (n, { idempotencyKey }) => {
            again.push(idempotencyKey);
            return n * 10;
          }, {}),
          settings(runtime),
        ).done,
    );
    expect(finished).toMatchObject({ value: { phase: 'finished' } });
    expect(again).toEqual(first.calls.map(({ idempotencyKey }) => idempotencyKey));
    expect(await world.lines('/out')).toEqual(['0', '10', '20', '30']);
  });

  test('a crash calls what was in flight again, with the same key, and loses and repeats nothing', async () => {
    const world = simulatedWorld({
      seed: 3,
      crashes: [
        { point: 'epoch.committed', visit: 2 },
        { point: 'epoch.written', visit: 2 },
      ],
    });
    const lives: Map<number, string[]>[] = [];
    const live = (parallelism: number) =>
      world.live((runtime) => {
        const { seen, ask } = slowly(runtime, (n) => 1 + ((n * 7) % 30));
        lives.push(seen.keys);
        const settings = { uid: 'ask', capacity: 8, ordered: false };
        const job = pipeline('asking', unchecked<number>(), (n$) =>
          n$.pipe(
            keyBy((n) => n % 10),
            asyncMap((n: number, call) => ask(n, call), settings),
          ),
        );
        return run(job, {
          from: iterable(numbers(200), { chunk: 10 }),
          to: partFiles<number>({ uid: 'out', directory: '/out' }),
          state: world.disk,
          checkpoint: { every: '20ms' },
          parallelism,
          runtime,
        }).done;
      });
    expect((await live(1)).crashed).toBe(true);
    expect((await live(4)).crashed).toBe(true);
    expect((await live(2)).crashed).toBe(false);
    const keys = new Map<number, string[]>();
    for (const seen of lives)
      for (const [n, list] of seen) keys.set(n, [...(keys.get(n) ?? []), ...list]);
    expect([...keys.values()].some((list) => list.length > 1)).toBe(true);
    expect([...keys.values()].every((list) => new Set(list).size === 1)).toBe(true);
    const lines = (await world.lines('/out')).map(Number);
    expect(lines.toSorted((a, b) => a - b)).toEqual(numbers(200).map((n) => n * 10));
  });

  test('a call that fails makes its element a dead letter, and the job goes on', async () => {
    const sink = collect<number>({ uid: 'out' });
    const dead = collect<{ raw: string; reason: string }>({ uid: 'dead' });
    const summary = await run(
      asking(async (n) => {
        if (n === 3) throw new Error('never heard of it');
        return n;
      }, {}),
      {
        from: iterable(numbers(6)),
        to: sink,
        deadLetters: dead as never,
        deadLettersMax: { share: 1, inARow: 10 },
      },
    ).done;
    expect(sink.values).toEqual([0, 1, 2, 4, 5]);
    expect(dead.values).toMatchObject([{ raw: '3' }]);
    expect(dead.values[0]?.reason).toMatch(/never heard of it/);
    expect(summary.operators['ask']).toMatchObject({ received: 6, accepted: 5, dead: 1 });
  });

  test('without a key, behind a union of several stages, it is refused', () => {
    const shapes = (n$: DataStream<number>) =>
      n$.pipe(
        keyBy((n) => n % 2),
        union(n$.pipe(keyBy((n) => n % 3))),
        asyncMap(async (n: number) => n, { uid: 'ask' }),
      );
    const job = pipeline('shapes', unchecked<number>(), shapes);
    const start = (parallelism: number) =>
      run(job, { from: iterable([1]), to: collect({ uid: 'out' }), parallelism }).done;
    return Promise.all([
      expect(start(2)).rejects.toThrow(/KEY_MISSING.*asyncMap "ask"/),
      expect(start(1)).resolves.toMatchObject({ phase: 'finished' }),
    ]);
  });
});

/** Lets the event loop turn once. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
