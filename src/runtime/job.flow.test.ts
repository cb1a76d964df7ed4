import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  eventTime,
  iterable,
  keyBy,
  lmdb,
  map,
  partFiles,
  pipeline,
  process,
  restarts,
  run,
  splitIterable,
  unchecked,
  valueState,
  window,
  count,
  tumbling,
  collect,
  type CrashPoint,
  type Runtime,
  type Sink,
  type Source,
} from '../index.js';
import { nodeRuntime } from '../connectors/node-runtime.js';
import { simulatedWorld } from '../testing/index.js';
import { READ_AHEAD_BYTES_MAX } from './source-pump.js';

async function turns(howMany: number): Promise<void> {
  for (let turn = 0; turn < howMany; turn += 1) await new Promise((next) => setImmediate(next));
}

describe('at least once', () => {
  const N = 60;
  const numbers = Array.from({ length: N }, (_, n) => n);
  const counted = pipeline('counted', unchecked<number>(), (n$) =>
    n$.pipe(
      keyBy((n) => n % 3),
      process({
        uid: 'c',
        state: { seen: valueState(0) },
        element(n: number, { state }) {
          state.seen.set(state.seen.get() + 1);
          return [n];
        },
      }),
      map((n) => n),
    ),
  );
  const points = ['epoch.frozen', 'epoch.prepared', 'epoch.flushed', 'epoch.committed'] as const;

  test.each(points.flatMap((point) => [1, 2].map((visit) => [point, visit] as const)))(
    'a crash at %s, visit %d, may repeat and never loses',
    async (point: CrashPoint, visit) => {
      const repeats: number[] = [];
      for (const parallelism of [1, 3]) {
        const world = simulatedWorld({ seed: 7, crashes: [{ point, visit }] });
        const live = () =>
          world.live(
            (runtime) =>
              run(counted, {
                from: splitIterable([numbers.slice(0, 20), numbers.slice(20)], { chunk: 3 }),
                to: partFiles<number>({ uid: 'out', directory: '/out' }),
                state: world.disk,
                checkpoint: { records: 12 },
                guarantee: 'at-least-once',
                parallelism,
                runtime,
              }).done,
          );
        expect((await live()).crashed).toBe(true);
        // Sinks are visible before the commit: what was prepared is there, although its epoch may not be.
        const early = await world.lines('/out');
        if (point !== 'epoch.frozen') expect(early.length).toBeGreaterThan(0);
        await live();
        const lines = await world.lines('/out');
        expect(new Set(lines.map(Number))).toEqual(new Set(numbers));
        repeats.push(lines.length - N);
      }
      if (point === 'epoch.prepared') expect(Math.max(...repeats)).toBeGreaterThan(0);
    },
  );
});

describe('a slow sink holds the source back', () => {
  /** A sink that takes nothing until it is let go. */
  function stuck(): { sink: Sink<unknown>; letGo: () => void } {
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    return {
      letGo,
      sink: {
        uid: 'out',
        guarantee: 'two-phase',
        allowDuplicates: false,
        recover: () => Promise.resolve(),
        open: () =>
          Promise.resolve({
            write: () => gate,
            prepare: () => Promise.resolve(undefined),
            publish: () => Promise.resolve(),
            close: () => Promise.resolve(),
          }),
      },
    };
  }

  function counting(total: number, bytesEach = 0): { source: Source<number>; read: () => number } {
    const plain = iterable(
      Array.from({ length: total }, (_, n) => n),
      { chunk: 64 },
    );
    let read = 0;
    return {
      read: () => read,
      source: {
        ...plain,
        async open(...given) {
          const reader = await plain.open(...given);
          return {
            ...reader,
            async read() {
              const next = await reader.read();
              if (next === undefined) return undefined;
              read += next.chunk.values.length;
              return bytesEach === 0 ? next : { ...next, bytesRead: read * bytesEach };
            },
          };
        },
      },
    };
  }

  const passed = pipeline('passed', unchecked<number>(), (n$) =>
    n$.pipe(
      keyBy((n) => n % 50),
      process<number, number, number>({ uid: 'p', element: (n) => [n] }),
      keyBy((n) => n % 7),
      process<number, number, number>({ uid: 'q', element: (n) => [n] }),
    ),
  );

  test.each([1, 4])(
    'in records: a bound for each queue on the way (%d shards)',
    async (parallelism) => {
      const { sink, letGo } = stuck();
      const { source, read } = counting(400_000);
      const running = run(passed, { from: source, to: sink, parallelism });
      await turns(2000);
      const held = read();
      await turns(500);
      expect(read()).toBe(held);
      // The source, a channel from each task to each behind it, a batch in each task, and four in each sink.
      const channels = parallelism === 1 ? 0 : parallelism + parallelism * parallelism;
      expect(held).toBeLessThanOrEqual(1024 * (2 + 2 * channels + 6 * parallelism));
      expect(held).toBeGreaterThan(1024);
      letGo();
      expect(await running.done).toMatchObject({ phase: 'finished', records: 400_000 });
    },
  );

  test('in bytes, where the source tells them: large records are not read a thousand ahead', async () => {
    const { sink, letGo } = stuck();
    const bytesEach = 50_000;
    const { source, read } = counting(50_000, bytesEach);
    const grown = pipeline('grown', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
    const running = run(grown, { from: source, to: sink });
    await turns(2000);
    // What the sink holds it holds as elements; what waits in front of the task is bounded in bytes.
    const inSink = 4 * 1024 + 1024;
    expect((read() - inSink) * bytesEach).toBeLessThanOrEqual(
      READ_AHEAD_BYTES_MAX + 64 * bytesEach,
    );
    letGo();
    await running.done;
  });
});

describe('a wall clock that is set back', () => {
  test('holds up neither timers nor epochs', async () => {
    let elapsed = 0;
    let offset = 1_000_000_000;
    const timers = new Map<symbol, { at: number; callback: () => void }>();
    /** As the real one: a timer is armed with the time that is left, so it does not go by the wall clock any more. */
    const clock: Runtime['clock'] = {
      now: () => elapsed + offset,
      elapsed: () => elapsed,
      turn: () => new Promise((resolve) => setImmediate(resolve)),
      setTimer(time, callback) {
        const id = Symbol('timer');
        timers.set(id, { at: elapsed + Math.max(0, time - (elapsed + offset)), callback });
        return () => void timers.delete(id);
      },
    };
    const pass = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 100) {
        elapsed += Math.min(100, left);
        for (const [id, { at, callback }] of [...timers])
          if (at <= elapsed) {
            timers.delete(id);
            callback();
          }
        await turns(3);
      }
    };
    const alarm = pipeline('alarm', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n),
        process<number, number, string>({
          uid: 'x',
          element: (n, { timers: own, now }) => own.setProcessingTime(now + n),
          timer: (_timer, { key }) => [`alarm ${key}`],
        }),
      ),
    );
    const plain = iterable([1000, 60_000]);
    const open: Source<number> = {
      ...plain,
      async open(...given) {
        const reader = await plain.open(...given);
        return {
          ...reader,
          read: async () => (await reader.read()) ?? new Promise(() => undefined),
        };
      },
    };
    const out = collect<string>({ uid: 'out' });
    const running = run(alarm, {
      from: open,
      to: out,
      checkpoint: '10s',
      runtime: { ...nodeRuntime(), clock },
    });
    await turns(20);
    await pass(2000);
    offset -= 3_600_000;
    await pass(20_000);
    expect(running.checkpoints().map(({ reason }) => reason)).toEqual(['interval', 'interval']);
    expect(out.values).toEqual(['alarm 1000']);
    // At half pace, so after at most twice the time.
    await pass(110_000);
    expect(out.values).toEqual(['alarm 1000', 'alarm 60000']);
    await running.stop();
  });
});

test('a restart closes a real LMDB directory and opens it again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-restart-'));
  try {
    const failed = new Set<number>();
    const counting = pipeline('counting', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n % 2),
        process({
          uid: 'c',
          state: { seen: valueState(0) },
          element(n: number, { state }) {
            if (n % 700 === 699 && !failed.has(n)) {
              failed.add(n);
              throw new Error('no luck');
            }
            state.seen.set(state.seen.get() + 1);
            return [state.seen.get()];
          },
        }),
      ),
    );
    const out = collect<number>({ uid: 'out' });
    const running = run(counting, {
      from: iterable(
        Array.from({ length: 3000 }, (_, n) => n),
        { chunk: 100 },
      ),
      to: out,
      state: lmdb(join(directory, 'state')),
      checkpoint: { records: 300 },
      restart: restarts.exponentialDelay({ initial: 1 }),
    });
    const summary = await running.done;
    expect(summary).toMatchObject({ phase: 'finished', records: 3000 });
    expect(summary.restarts).toBe(4);
    expect(out.values.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 3000 }, (_, n) => Math.floor(n / 2) + 1),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

describe('batch', () => {
  const hourly = pipeline('hourly', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, every: 0 }),
      keyBy((n) => n % 2),
      window(tumbling({ size: 10 }), count(), { uid: 'w' }),
      map(({ key, value, window: { start } }) => `${key} ${start} ${value}`),
    ),
  );

  test('nothing is late, and there is no watermark before the end', async () => {
    const values = [35, 1, 2, 33, 15, 3, 4];
    const runs = await Promise.all(
      (['stream', 'batch'] as const).map(async (execution) => {
        const out = collect<string>({ uid: 'out' });
        const watermarks = new Set<number>();
        const running = run(hourly, { from: iterable(values, { chunk: 2 }), to: out, execution });
        running.status$.subscribe(({ watermark, phase }) => {
          if (phase === 'running') watermarks.add(watermark);
        });
        const { late } = await running.done;
        return { late, values: out.values, watermarks };
      }),
    );
    const [stream, batch] = runs;
    expect(stream?.late).toBe(5);
    expect(batch?.late).toBe(0);
    expect(batch?.values.toSorted()).toEqual(['0 0 2', '1 0 2', '1 10 1', '1 30 2']);
    expect([...(batch?.watermarks ?? [])]).toEqual([-Infinity]);
  });

  test('a source that never ends is refused at once', () => {
    const endless: Source<number> = { ...iterable([1]), name: 'tail', unbounded: true };
    const options = { from: endless, to: collect<string>({ uid: 'out' }) };
    expect(() => run(hourly, { ...options, execution: 'batch' })).toThrow(
      /SOURCE_UNBOUNDED.*"tail"/,
    );
  });
});
