import { describe, expect, test } from 'vitest';
import {
  collect,
  iterable,
  keyBy,
  memory,
  partFiles,
  pipeline,
  process,
  restarts,
  run,
  unchecked,
  valueState,
  type CollectSink,
  type Run,
  type RunOptions,
  type Sink,
  type Source,
} from '../index.js';
import { simulatedWorld, VirtualClock } from '../testing/index.js';
import { nodeRuntime } from '../connectors/node-runtime.js';

const kept = pipeline('kept', unchecked<number>(), (n$) =>
  n$.pipe(
    keyBy((n) => n),
    process({
      uid: 'keep',
      state: { seen: valueState(0) },
      element(n: number, { state }) {
        state.seen.set(n);
        return [n];
      },
    }),
  ),
);

interface Feed extends Source<number> {
  give(...values: number[]): void;
  end(): void;
}

/** A source that waits for what a test gives it. */
function feed(): Feed {
  const given: (readonly number[] | undefined)[] = [];
  let waiting: (() => void) | undefined;
  let position = 0;
  const push = (values: readonly number[] | undefined): void => {
    given.push(values);
    waiting?.();
  };
  return {
    name: 'feed',
    replayable: true,
    give: (...values) => push(values),
    end: () => push(undefined),
    splits: () => Promise.resolve(['0']),
    open: () =>
      Promise.resolve({
        close: () => Promise.resolve(),
        async read() {
          if (given.length === 0) await new Promise<void>((resolve) => (waiting = resolve));
          const values = given.shift();
          if (values === undefined) return undefined;
          return {
            cursor: position,
            chunk: {
              kind: 'chunk',
              values,
              timestamps: values.map(() => NaN),
              keys: [],
              positions: values.map(() => (position += 1)),
              derivedKeys: [],
              origin: { name: 'feed', unit: 'element' },
            },
          };
        },
      }),
  };
}

interface Bench {
  readonly running: Run;
  readonly from: Feed;
  readonly clock: VirtualClock;
  readonly out: CollectSink<number>;
  turns(): Promise<void>;
}

type Options = Partial<RunOptions<{ input: number }, { output: number }>>;

function begin(options: Options = {}): Bench {
  const clock = new VirtualClock(1_000_000);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const from = feed();
  const out = collect<number>({ uid: 'out' });
  const runtime = { ...nodeRuntime(), clock: Object.assign(clock, { turn }) };
  const running = run(kept, { from, to: out, runtime, checkpoint: '1h', ...options });
  return {
    running,
    from,
    clock,
    out,
    async turns() {
      for (let turns = 0; turns < 20; turns += 1) await turn();
    },
  };
}

const reasons = (running: Run): string[] => running.checkpoints().map(({ reason }) => reason);

describe('a checkpoint on demand', () => {
  test('resolves with its epoch, once what was read before is visible', async () => {
    const bench = begin();
    bench.from.give(1, 2);
    await bench.turns();
    expect(bench.out.values).toEqual([]);
    expect(await bench.running.checkpoint()).toBe(1);
    expect(bench.out.values).toEqual([1, 2]);
    bench.from.give(3);
    await bench.turns();
    expect(await Promise.all([bench.running.checkpoint(), bench.running.checkpoint()])).toEqual([
      2, 2,
    ]);
    expect(bench.out.values).toEqual([1, 2, 3]);
    await bench.running.stop();
    expect(reasons(bench.running)).toEqual(['demand', 'demand', 'stop']);
  });

  test('is served by the last epoch, when the run is stopped meanwhile', async () => {
    const bench = begin();
    await bench.turns();
    const asked = bench.running.checkpoint();
    const stopped = bench.running.stop();
    expect(await asked).toBe((await stopped).epoch);
  });

  test('asked for before the run has recovered is served too', async () => {
    const bench = begin();
    expect(await bench.running.checkpoint()).toBe(1);
    await bench.running.stop();
  });

  test('rejects when the run ends first, and after it', async () => {
    const controller = new AbortController();
    const bench = begin({ signal: controller.signal });
    const asked = bench.running.checkpoint();
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'RUN_ENDED' });
    await expect(bench.running.checkpoint()).rejects.toMatchObject({ code: 'RUN_ENDED' });
  });

  test('survives a restart', async () => {
    const world = simulatedWorld({ seed: 1 });
    const sink = partFiles<number>({ uid: 'out', directory: '/out' });
    let failures = 1;
    const flaky: Sink<number> = {
      ...sink,
      async open(...given) {
        const writer = await sink.open(...given);
        return {
          write: (values, timestamps) => writer.write(values, timestamps),
          publish: (prepared) => writer.publish(prepared),
          close: () => writer.close(),
          async prepare(epoch) {
            if (failures-- > 0) throw new Error('away');
            return writer.prepare(epoch);
          },
        };
      },
    };
    let asked: Promise<number> | undefined;
    const outcome = await world.live((runtime) => {
      const running = run(kept, {
        from: iterable(Array.from({ length: 3000 }, (_, n) => n)),
        to: flaky,
        state: world.disk,
        restart: restarts.fixedDelay({ attempts: 1 }),
        runtime,
      });
      asked = running.checkpoint();
      return running.done;
    });
    expect(outcome).toMatchObject({ value: { restarts: 1, phase: 'finished' } });
    expect(await asked).toBe(1);
  });
});

describe('epochs end', () => {
  test('right behind the chunk that makes the number of records full', async () => {
    // The cursor of each epoch shows in what a run that stops there would resume from: here in the outputs.
    const out = collect<number>({ uid: 'out' });
    const visible: number[] = [];
    const sink: Sink<number> = {
      ...out,
      async open(...given) {
        const writer = await out.open(...given);
        return {
          ...writer,
          async publish(prepared) {
            await writer.publish(prepared);
            visible.push(out.values.length);
          },
        };
      },
    };
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    // As slow as a source that waits for its data, so that no epoch is under way when the next is due.
    const plain = iterable(numbers, { chunk: 5 });
    const slow: Source<number> = {
      ...plain,
      async open(...given) {
        const reader = await plain.open(...given);
        return {
          ...reader,
          async read() {
            for (let turns = 0; turns < 10; turns += 1)
              await new Promise((resolve) => setImmediate(resolve));
            return reader.read();
          },
        };
      },
    };
    await run(kept, { from: slow, to: sink, checkpoint: { records: 10 } }).done;
    expect(visible).toEqual([10, 20, 30, 40, 50, 50]);
  });

  test('by bytes of changed state, as changed keys tell', async () => {
    const bench = begin({ checkpoint: { bytes: '1KB' } });
    bench.from.give(...Array.from({ length: 5 }, (_, n) => n));
    await bench.turns();
    expect(reasons(bench.running)).toEqual([]);
    bench.from.give(...Array.from({ length: 10 }, (_, n) => 100 + n));
    await bench.turns();
    expect(reasons(bench.running)).toEqual(['bytes']);
    const [first] = bench.running.checkpoints();
    expect(first?.bytes).toBeGreaterThan(100);
    await bench.running.stop();
  });

  test('not before the pause is over, unless one is asked for', async () => {
    const bench = begin({ checkpoint: { records: 2, minPause: '1m' } });
    bench.from.give(1, 2);
    await bench.turns();
    expect(reasons(bench.running)).toEqual(['records']);
    bench.from.give(3, 4);
    await bench.turns();
    expect(reasons(bench.running)).toEqual(['records']);
    await bench.running.checkpoint();
    bench.from.give(5, 6);
    await bench.turns();
    bench.clock.moveTo(1_059_999);
    await bench.turns();
    expect(reasons(bench.running)).toEqual(['records', 'demand']);
    bench.clock.moveTo(1_060_000);
    await bench.turns();
    expect(reasons(bench.running)).toEqual(['records', 'demand', 'records']);
    await bench.running.stop();
  });
});

describe('the history of epochs', () => {
  test('says when, how long, how much and why, over runs of one state', async () => {
    const state = memory();
    const first = begin({ state, checkpoint: '10s' });
    first.from.give(1, 2, 3);
    await first.turns();
    first.clock.moveTo(1_010_000);
    await first.turns();
    await first.running.stop();
    const second = begin({ state });
    await second.turns();
    second.from.end();
    await second.running.done;
    const history = second.running.checkpoints();
    expect(history.map(({ epoch, reason }) => `${epoch} ${reason}`)).toEqual([
      '1 interval',
      '2 stop',
      '3 end',
    ]);
    expect(history[0]).toMatchObject({ time: 1_010_000, durationMs: 0 });
    expect(history[0]?.bytes).toBeGreaterThan(0);
    expect(history[1]?.bytes).toBe(0);
    // A run of a job that has finished tells of them too.
    const third = begin({ state });
    await third.running.done;
    expect(third.running.checkpoints()).toEqual(history);
  });

  test('is bounded', async () => {
    const bench = begin();
    for (let epoch = 1; epoch <= 105; epoch += 1) await bench.running.checkpoint();
    await bench.running.stop();
    const history = bench.running.checkpoints();
    expect([history.length, history[0]?.epoch, history.at(-1)?.epoch]).toEqual([100, 7, 106]);
  });
});

describe('a sink that is taken away', () => {
  const two = pipeline('two', unchecked<number>(), (n$) => ({ a: n$, b: n$ }));
  const files = (uid: string): Sink<number> => partFiles<number>({ uid, directory: `/${uid}` });

  test('is not missed after a run that was stopped: its outputs are all out', async () => {
    const world = simulatedWorld({ seed: 1 });
    const live = (to: { a: Sink<number>; b?: Sink<number> }) =>
      world.live((runtime) => {
        const numbers = Array.from({ length: 20_000 }, (_, n) => n);
        const from = iterable(numbers, { chunk: 1 });
        const running = run(two, { from, to, state: world.disk, runtime });
        void running.checkpoint().then(() => running.stop());
        return running.done;
      });
    expect(await live({ a: files('a'), b: files('b') })).toMatchObject({
      value: { phase: 'stopped' },
    });
    const before = await world.lines('/b');
    expect(before.length).toBeGreaterThan(0);
    expect(await live({ a: files('a') })).toMatchObject({ crashed: false });
    expect(await world.lines('/b')).toEqual(before);
  });

  test('is missed after a crash, which may have left it with outputs that are not out', async () => {
    const world = simulatedWorld({
      seed: 1,
      crashes: [{ point: 'epoch.committed', visit: 1 }],
    });
    const live = (to: { a: Sink<number>; b?: Sink<number> }) =>
      world.live(
        (runtime) => run(two, { from: iterable([1, 2, 3]), to, state: world.disk, runtime }).done,
      );
    expect(await live({ a: files('a'), b: files('b') })).toMatchObject({ crashed: true });
    await expect(live({ a: files('a') })).rejects.toMatchObject({ code: 'STATE_INCOMPATIBLE' });
    await live({ a: files('a'), b: files('b') });
    expect(await world.lines('/b')).toEqual(['1', '2', '3']);
  });
});
