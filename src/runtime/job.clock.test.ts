import { describe, expect, test } from 'vitest';
import {
  callback,
  collect,
  count,
  eventTime,
  keyBy,
  nodeRuntime,
  pipeline,
  process,
  run,
  tumbling,
  unchecked,
  union,
  window,
  type Run,
  type Runtime,
  type Source,
} from '../index.js';
import { VirtualClock } from '../testing/index.js';

const late = eventTime<number>({ timestamp: (n) => n, every: '1d', idleness: '1s' });

const counted = pipeline(
  'counted',
  { a: unchecked<number>(), b: unchecked<number>() },
  ({ a, b }) =>
    a.pipe(
      late,
      union(b.pipe(late)),
      keyBy(() => 'k'),
      window(tumbling({ size: 1000 }), count(), { uid: 'w' }),
    ),
);

describe('idleness in a job', () => {
  test('of all inputs lets out what is pending, without waiting for an epoch', async () => {
    const bench = begin();
    bench.a.give([0, 500, 1500]);
    bench.b.give([100, 1200]);
    await bench.turn();
    expect(bench.seen).toEqual([]);
    bench.clock.moveTo(999);
    await bench.turn();
    expect(bench.seen).toEqual([]);
    bench.clock.moveTo(1500);
    await bench.turn();
    expect(bench.seen).toEqual([3]);
    await bench.stop();
  });

  test('of one input lets the other one go on', async () => {
    const bench = begin();
    bench.a.give([0, 500, 1500]);
    bench.b.give([100]);
    await bench.turn();
    bench.clock.moveTo(900);
    bench.a.give([1600]);
    await bench.turn();
    // Now b has been silent for a second, and a has not; only its own pending watermark is missing.
    bench.clock.moveTo(1100);
    bench.a.give([200_000_000]);
    await bench.turn();
    expect(bench.seen).toEqual([3, 2]);
    await bench.stop();
  });

  test('of one input shows at once, not at the next element of the other', async () => {
    const eager = pipeline(
      'eager',
      { a: unchecked<number>(), b: unchecked<number>() },
      ({ a, b }) => {
        const time = eventTime<number>({ timestamp: (n) => n, every: 0, idleness: '1s' });
        const never = eventTime<number>({ timestamp: (n) => n, every: 0 });
        return a.pipe(
          never,
          union(b.pipe(time)),
          keyBy(() => 'k'),
          window(tumbling({ size: 1000 }), count(), { uid: 'w' }),
        );
      },
    );
    const bench = begin(eager);
    bench.a.give([0, 1500]);
    bench.b.give([100]);
    await bench.turn();
    expect(bench.seen).toEqual([]);
    bench.clock.moveTo(1001);
    await bench.turn();
    expect(bench.seen).toEqual([2]);
    await bench.stop();
  });

  test('is counted only while the source is polled in vain', async () => {
    const bench = begin();
    bench.a.give([0, 500, 1500]);
    bench.b.give([100]);
    for (let time = 500; time <= 5000; time += 500) {
      await bench.turn();
      bench.clock.moveTo(time);
      bench.a.give([1500 + time / 1000]);
      bench.b.give([100]);
    }
    await bench.turn();
    expect(bench.seen).toEqual([]);
    await bench.stop();
  });
});

describe('processing time in a job', () => {
  const alarm = pipeline('alarm', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
    a.pipe(
      union(b),
      keyBy((n) => n),
      process<number, number, string>({
        uid: 'x',
        element: (n, { timers, now }) => timers.setProcessingTime(now + n),
        timer: ({ time }, { key, now }) => [`${key} at ${time}, ${now}`],
      }),
    ),
  );

  test.each([1, 3])(
    'timers fire by the clock, without any input (%d shards)',
    async (parallelism) => {
      const bench = begin(alarm, { parallelism });
      bench.a.give([500, 300]);
      await bench.turn();
      bench.clock.moveTo(299);
      await bench.turn();
      expect(bench.seen).toEqual([]);
      bench.clock.moveTo(300);
      await bench.turn();
      expect(bench.seen).toEqual(['300 at 300, 300']);
      bench.clock.moveTo(700);
      await bench.turn();
      expect(bench.seen).toEqual(['300 at 300, 300', '500 at 500, 700']);
      await bench.stop();
    },
  );

  test('timers that are pending when the inputs end are dropped', async () => {
    const bench = begin(alarm);
    bench.a.give([500]);
    await bench.turn();
    bench.a.end();
    bench.b.end();
    expect((await bench.run.done).phase).toBe('finished');
    expect(bench.seen).toEqual([]);
  });
});

describe('epochs by the clock', () => {
  const same = pipeline('same', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
    a.pipe(union(b)),
  );

  test('end every so often, and make outputs visible', async () => {
    const out = collect<number>({ uid: 'out' });
    const bench = begin(same, { to: out, checkpoint: '5s' });
    bench.a.give([1]);
    await bench.turn();
    expect(out.values).toEqual([]);
    bench.clock.moveTo(5000);
    await bench.turn();
    expect(out.values).toEqual([1]);
    bench.a.give([2]);
    bench.clock.moveTo(9999);
    await bench.turn();
    expect(out.values).toEqual([1]);
    bench.clock.moveTo(10_000);
    await bench.turn();
    expect(out.values).toEqual([1, 2]);
    expect((await bench.stop()).epoch).toBe(3);
  });

  test('nothing of a run stays with the clock', async () => {
    const bench = begin(same, { checkpoint: '5s' });
    await bench.turn();
    await bench.stop();
    expect(bench.clock.next()).toBe(Infinity);
  });
});

test('status$ says where the run is, completes with it, and never fails', async () => {
  const bench = begin();
  const phases: string[] = [];
  let isComplete = false;
  bench.run.status$.subscribe({
    next: ({ phase, records }) => phases.push(`${phase} ${records}`),
    complete: () => (isComplete = true),
  });
  bench.a.give([1, 2, 3]);
  await bench.turn();
  bench.clock.moveTo(100);
  await bench.stop();
  expect(phases[0]).toBe('recovering 0');
  expect(phases).toContain('running 3');
  expect([phases.at(-1), isComplete]).toEqual(['stopped 3', true]);
});

interface Feed extends Source<number> {
  give(values: readonly number[]): void;
  end(): void;
}

/** A source that waits for what a test gives it. */
function feed(name: string): Feed {
  const given: (readonly number[] | undefined)[] = [];
  let waiting: (() => void) | undefined;
  let position = 0;
  const push = (values: readonly number[] | undefined): void => {
    given.push(values);
    waiting?.();
  };
  return {
    name,
    replayable: true,
    give: push,
    end: () => push(undefined),
    splits: () => Promise.resolve(['0']),
    open: () =>
      Promise.resolve({
        close: () => Promise.resolve(),
        async read() {
          if (given.length === 0) await new Promise<void>((resolve) => (waiting = resolve));
          const values = given.shift();
          if (values === undefined) return undefined;
          const positions = values.map(() => (position += 1));
          return {
            cursor: position,
            chunk: {
              kind: 'chunk',
              values,
              timestamps: values.map(() => NaN),
              keys: [],
              positions,
              derivedKeys: [],
              origin: { name, unit: 'element' },
            },
          };
        },
      }),
  };
}

interface Bench {
  readonly run: Run;
  readonly clock: VirtualClock;
  readonly a: Feed;
  readonly b: Feed;
  readonly seen: unknown[];
  turn(): Promise<void>;
  stop(): Run['done'];
}

function begin(definition: unknown = counted, more: object = {}): Bench {
  const clock = new VirtualClock();
  const [a, b] = [feed('a'), feed('b')];
  const seen: unknown[] = [];
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const runtime: Runtime = { ...nodeRuntime(), clock: Object.assign(clock, { turn }) };
  const note = (value: unknown): void => {
    const result = value as { value?: unknown };
    seen.push(typeof value === 'object' && value !== null ? result.value : value);
  };
  const running = run(definition as typeof counted, {
    from: { a, b },
    to: callback(note, { uid: 'out', allowDuplicates: true }),
    checkpoint: { records: 1e9 },
    runtime,
    ...more,
  });
  return {
    run: running,
    clock,
    a,
    b,
    seen,
    async turn() {
      for (let turns = 0; turns < 20; turns += 1) await turn();
    },
    stop: () => running.stop(),
  };
}
