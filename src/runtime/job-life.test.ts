import { describe, expect, test } from 'vitest';
import {
  iterable,
  keyBy,
  map,
  nodeRuntime,
  partFiles,
  pipeline,
  process,
  restarts,
  run,
  unchecked,
  valueState,
  type Logger,
  type Run,
  type RunStatus,
  type RunSummary,
  type Runtime,
  type Sink,
  type Source,
  type StateBackendFactory,
} from '../index.js';
import { simulatedWorld } from '../testing/index.js';

const RECORDS = 40;
const numbers = Array.from({ length: RECORDS }, (_, n) => n + 1);

/** Running sums by parity, with what a test lets happen at an element. */
const sums = (happens: (n: number) => void = () => undefined) =>
  pipeline('sums', unchecked<number>(), (n$) =>
    n$.pipe(
      keyBy((n) => n % 2),
      process({
        uid: 'sum',
        state: { sum: valueState(0) },
        element(n: number, { state }) {
          happens(n);
          state.sum.set(state.sum.get() + n);
          return [state.sum.get()];
        },
      }),
      map((sum) => sum),
    ),
  );

const expected = ((): string[] => {
  const sum = [0, 0];
  return numbers.map((n) => String((sum[n % 2] = (sum[n % 2] ?? 0) + n)));
})();

const out = (): Sink<number> => partFiles<number>({ uid: 'out', directory: '/out' });
const delay = restarts.fixedDelay({ attempts: 5, delay: '10s' });

interface Lived {
  readonly summary: RunSummary | undefined;
  readonly error: unknown;
  readonly lines: string[];
  readonly hidden: string[];
  readonly statuses: RunStatus[];
  readonly logged: string[];
  readonly ms: number;
}

interface Setting {
  readonly definition?: ReturnType<typeof sums>;
  readonly from?: Source<number>;
  readonly to?: Sink<number>;
  readonly state?: StateBackendFactory;
  readonly options?: object;
  /** Called with the run and its runtime when it has been started. */
  readonly meanwhile?: (running: Run, runtime: Runtime) => void;
}

/** One run in a world of its own. */
async function live(setting: Setting, world = simulatedWorld({ seed: 1 })): Promise<Lived> {
  const statuses: RunStatus[] = [];
  const logged: string[] = [];
  const note = (fields: object, sentence: string): void =>
    void logged.push(`${sentence} ${JSON.stringify(fields)}`);
  const log: Logger = { debug: note, info: note, warn: note, error: note };
  let ended: { summary?: RunSummary; error?: unknown; ms: number } = { ms: 0 };
  await world.live(async (given) => {
    const runtime = { ...given, log };
    const running = run(setting.definition ?? sums(), {
      from: setting.from ?? iterable(numbers, { chunk: 4 }),
      to: setting.to ?? out(),
      state: setting.state ?? world.disk,
      checkpoint: { records: 8 },
      restart: delay,
      runtime,
      ...setting.options,
    });
    const begun = runtime.clock.now();
    running.status$.subscribe((status) => statuses.push(status));
    setting.meanwhile?.(running, runtime);
    ended = await running.done.then(
      (summary) => ({ summary, ms: runtime.clock.now() - begun }),
      (error: unknown) => ({ error, ms: runtime.clock.now() - begun }),
    );
  });
  const names = await world.files.list('/out');
  return {
    summary: ended.summary,
    error: ended.error,
    ms: ended.ms,
    lines: await world.lines('/out'),
    hidden: names.filter((name) => name.startsWith('.')),
    statuses,
    logged,
  };
}

/** Throws at the nth calls. */
function failingAt(
  calls: readonly number[],
  error: () => unknown = () => new Error('away'),
): () => void {
  let call = 0;
  return () => {
    call += 1;
    if (calls.includes(call)) throw error();
  };
}

function flakySource(
  step: 'splits' | 'size' | 'open' | 'read',
  calls: readonly number[],
): Source<number> {
  const source = iterable(numbers, { chunk: 4 });
  const fail = failingAt(calls);
  const at = (name: typeof step): void => void (name === step && fail());
  return {
    ...source,
    async size() {
      at('size');
      return 1;
    },
    async splits(runtime) {
      at('splits');
      return source.splits(runtime);
    },
    async open(split, cursor, runtime) {
      at('open');
      const reader = await source.open(split, cursor, runtime);
      return {
        ...reader,
        async read() {
          at('read');
          return reader.read();
        },
      };
    },
  };
}

const sinkSteps = ['recover', 'open', 'write', 'prepare', 'publish', 'close'] as const;

function flakySink(step: (typeof sinkSteps)[number], calls: readonly number[]): Sink<number> {
  const sink = out();
  const fail = failingAt(calls);
  const at = async (name: typeof step): Promise<void> => void (name === step && fail());
  return {
    ...sink,
    async recover(...given) {
      await at('recover');
      await sink.recover(...given);
    },
    async open(...given) {
      await at('open');
      const writer = await sink.open(...given);
      return {
        async write(...batch) {
          await at('write');
          await writer.write(...batch);
        },
        async prepare(epoch) {
          await at('prepare');
          return writer.prepare(epoch);
        },
        async publish(prepared) {
          await at('publish');
          await writer.publish(prepared);
        },
        async close() {
          await at('close');
          await writer.close();
        },
      };
    },
  };
}

describe('a failure that passes', () => {
  test.each(['splits', 'size', 'open', 'read'] as const)(
    'of a source in %s changes nothing in the output',
    async (step) => {
      const lived = await live({ from: flakySource(step, [1, 2]) });
      expect(lived.lines).toEqual(expected);
      expect(lived.summary).toMatchObject({ phase: 'finished', restarts: 2, records: RECORDS });
      expect(lived.summary?.lastFailure).toContain('SOURCE_FAILED');
    },
  );

  test.each(sinkSteps)('of a sink in %s changes nothing in the output', async (step) => {
    const lived = await live({ to: flakySink(step, [1, 3]) });
    expect(lived.lines).toEqual(expected);
    expect(lived.hidden).toEqual([]);
    expect(lived.summary).toMatchObject({ phase: 'finished' });
    expect(lived.summary?.restarts).toBeGreaterThan(0);
    expect(lived.summary?.lastFailure).toContain('SINK_FAILED');
  });

  test('of a function in a stateful step leaves no trace in the state', async () => {
    const fail = failingAt([7, 40]);
    const lived = await live({ definition: sums(() => fail()) });
    expect(lived.lines).toEqual(expected);
    expect(lived.summary).toMatchObject({ restarts: 2 });
  });

  test('is waited out as long as the strategy says, and told in status and log', async () => {
    const lived = await live({ from: flakySource('open', [1, 2]) });
    expect(lived.ms).toBeGreaterThanOrEqual(20_000);
    const phases = lived.statuses.map(({ phase, restarts: count }) => `${phase} ${count}`);
    const changes = phases.filter((phase, index) => phase !== phases[index - 1]);
    expect(changes).toEqual([
      'recovering 0',
      'running 0',
      'restarting 1',
      'recovering 1',
      'running 1',
      'restarting 2',
      'recovering 2',
      'running 2',
      'finishing 2',
      'finished 2',
    ]);
    const between = lived.statuses.find(({ phase }) => phase === 'restarting');
    expect(between?.lastFailure).toContain('away');
    const warnings = lived.logged.filter((line) => line.startsWith('the job has failed'));
    expect(warnings.length).toBe(2);
    expect(warnings[0]).toContain('"waitMs":10000');
  });

  test('with memory as its state goes on just the same', async () => {
    const lived = await live({ from: flakySource('read', [4]), options: { state: undefined } });
    expect(lived.lines).toEqual(expected);
    expect(lived.summary).toMatchObject({ restarts: 1 });
    expect(lived.summary?.resumedFromEpoch).toBeGreaterThan(0);
  });

  test('with several shards too', async () => {
    const fail = failingAt([7, 40]);
    const options = { parallelism: 3 };
    const lived = await live({ definition: sums(() => fail()), options });
    expect(lived.lines.toSorted()).toEqual(expected.toSorted());
  });
});

describe('no restart', () => {
  test('is the default: the first failure ends the run', async () => {
    const lived = await live({ from: flakySource('read', [3]), options: { restart: undefined } });
    expect(lived.error).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(lived.statuses.at(-1)).toMatchObject({ phase: 'failed', restarts: 0 });
  });

  test('once the strategy gives up: the last failure is the reason', async () => {
    const restart = restarts.fixedDelay({ attempts: 2, delay: 5 });
    const lived = await live({ from: flakySource('open', [1, 2, 3]), options: { restart } });
    expect(lived.error).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(lived.statuses.at(-1)).toMatchObject({ phase: 'failed', restarts: 2 });
    expect(lived.logged.at(-1)).toContain('fixedDelay of 2 attempts');
  });

  test('for a record that fails a second time: it is named', async () => {
    const poison = sums((n) => {
      if (n === 21) throw new RangeError('poison');
    });
    const lived = await live({ definition: poison });
    expect(lived.error).toMatchObject({
      code: 'JOB_FAILED_TWICE',
      operator: 'sum',
      key: 1,
      position: 'iterable element 21',
      cause: { message: 'poison' },
    });
    expect(lived.statuses.at(-1)).toMatchObject({ phase: 'failed', restarts: 1 });
    expect(expected.slice(0, 20)).toEqual(expect.arrayContaining(lived.lines));
  });

  test('for what a restart cannot mend', async () => {
    const unencodable = pipeline('sums', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n),
        process({
          uid: 'sum',
          state: { bad: valueState<unknown>() },
          element(n: number, { state }) {
            state.bad.set(() => n);
            return [n];
          },
        }),
      ),
    );
    const lived = await live({ definition: unencodable });
    expect(lived.error).toMatchObject({ code: 'VALUE_NOT_ENCODABLE' });
    expect(lived.statuses.at(-1)).toMatchObject({ restarts: 0 });
  });

  test('for a deploy that fails every record: the breaker', async () => {
    const bad = pipeline('sums', unchecked<number>(), (n$) =>
      n$.pipe(
        map((n) => {
          throw new Error(`bad deploy ${n}`);
        }),
      ),
    );
    const many = Array.from({ length: 3000 }, (_, n) => n);
    const world = simulatedWorld({ seed: 1 });
    const checkpoint = { records: 1_000_000 };
    const options = { checkpoint };
    const from = iterable(many, { chunk: 50 });
    const lived = await live({ definition: bad, from, options }, world);
    expect(lived.error).toMatchObject({ code: 'DEAD_LETTERS_EXCEEDED' });
    expect(lived.statuses.at(-1)).toMatchObject({ restarts: 0 });
    // Nothing of it was committed, so the mended deploy reads all of it.
    const good = pipeline('sums', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
    const mended = await live({ definition: good as never, from, options }, world);
    expect(mended.lines).toEqual(many.map(String));
    expect(mended.summary).toMatchObject({ deadLetters: 0, records: 3000 });
  });
});

describe('between two attempts', () => {
  const hour = restarts.fixedDelay({ attempts: 3, delay: '1h' });
  /** Calls back when the run waits to begin again. */
  const whenWaiting = (running: Run, then: () => void): void =>
    void running.status$.subscribe(({ phase }) => {
      if (phase === 'restarting') queueMicrotask(then);
    });

  test('a stop waits for no delay, and finishes what is committed', async () => {
    const lived = await live({
      to: flakySink('publish', [1]),
      options: { restart: hour },
      meanwhile: (running) => whenWaiting(running, () => void running.stop()),
    });
    expect(lived.summary).toMatchObject({ phase: 'stopped', restarts: 1 });
    expect(lived.ms).toBeLessThan(60_000);
    expect(lived.lines).toEqual(expected.slice(0, 8));
  });

  test('a stop that fails is not tried again', async () => {
    const lived = await live({
      to: flakySink('prepare', [1, 2, 3]),
      options: { restart: hour },
      meanwhile: (running) => whenWaiting(running, () => void running.stop()),
    });
    expect(lived.error).toMatchObject({ code: 'SINK_FAILED' });
    expect(lived.ms).toBeLessThan(60_000);
  });

  test('an abort ends the run at once', async () => {
    const controller = new AbortController();
    const lived = await live({
      from: flakySource('open', [1]),
      options: { restart: hour, signal: controller.signal },
      meanwhile: (running) => whenWaiting(running, () => controller.abort()),
    });
    expect(lived.error).toMatchObject({ code: 'RUN_CANCELLED' });
    expect(lived.ms).toBeLessThan(60_000);
    expect(lived.statuses.at(-1)).toMatchObject({ phase: 'failed' });
  });

  test('the state belongs to nobody else for longer than it takes to open it', async () => {
    const runtime = nodeRuntime();
    expect(runtime.signals).toBeDefined();
    const world = simulatedWorld({ seed: 1 });
    await live({ from: flakySource('read', [2, 4, 6]) }, world);
    await expect(world.disk.open()).resolves.toBeDefined();
  });
});
