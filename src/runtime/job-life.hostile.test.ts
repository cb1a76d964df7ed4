import { describe, expect, test } from 'vitest';
import {
  iterable,
  keyBy,
  partFiles,
  pipeline,
  process,
  restarts,
  run,
  unchecked,
  valueState,
  type Files,
  type RunOptions,
  type RunSummary,
  type Runtime,
  type Sink,
  type StateBackend,
  type StateBackendFactory,
  type WritableFile,
} from '../index.js';
import { simulatedWorld } from '../testing/index.js';

const numbers = Array.from({ length: 24 }, (_, n) => n + 1);

const sums = pipeline('sums', unchecked<number>(), (n$) =>
  n$.pipe(
    keyBy((n) => n % 3),
    process({
      uid: 'sum',
      state: { sum: valueState(0) },
      element(n: number, { state, timers, now }) {
        state.sum.set(state.sum.get() + n);
        // Timers make slabs of their own.
        timers.setProcessingTime(now + 1e9 + n);
        return [state.sum.get()];
      },
      timer: () => [],
    }),
  ),
);

const expected = ((): string[] => {
  const sum = [0, 0, 0];
  return numbers.map((n) => String((sum[n % 3] = (sum[n % 3] ?? 0) + n)));
})();

type World = ReturnType<typeof simulatedWorld>;
type Options = Partial<RunOptions<{ input: number }, { output: number }>>;

interface Ending {
  readonly summary?: RunSummary;
  readonly error?: unknown;
}

async function live(
  world: World,
  change: (runtime: Runtime) => Options = () => ({}),
): Promise<Ending> {
  const outcome = await world.live(async (runtime): Promise<Ending> => {
    const { done } = run(sums, {
      from: iterable(numbers, { chunk: 4 }),
      to: partFiles<number>({ uid: 'out', directory: '/out' }),
      state: world.disk,
      checkpoint: { records: 8 },
      runtime,
      ...change(runtime),
    });
    return done.then(
      (summary) => ({ summary }),
      (error: unknown) => ({ error }),
    );
  });
  if (outcome.crashed) throw new Error('no crash was planned');
  return outcome.value;
}

/** A fault at the nth call of one operation of the outside world; counts whether it was met. */
interface Fault {
  readonly operation: string;
  readonly nth: number;
  met: number;
}

function strike(fault: Fault, operation: string, code: string): void {
  if (operation !== fault.operation) return;
  fault.met += 1;
  if (fault.met === fault.nth)
    throw Object.assign(new Error(`${code}: ${operation} failed`), { code });
}

const backendOperations = [
  'open',
  'writeAhead',
  'flushed',
  'commit',
  'commit, but done',
  'discard',
  'close',
];

function faultyDisk(disk: StateBackendFactory, fault: Fault): StateBackendFactory {
  const at = (operation: string): void => strike(fault, operation, 'ENOSPC');
  return {
    ...disk,
    async open() {
      at('open');
      const backend = await disk.open();
      const faulty: StateBackend = {
        get: (key) => backend.get(key),
        keys: (prefix) => backend.keys(prefix),
        writeAhead(key, value) {
          at('writeAhead');
          backend.writeAhead(key, value);
        },
        async flushed() {
          at('flushed');
          await backend.flushed();
        },
        commit(batch) {
          at('commit');
          backend.commit(batch);
          // The answer is lost: nobody knows whether it is on disk, and it is.
          at('commit, but done');
        },
        discard(keys) {
          at('discard');
          backend.discard(keys);
        },
        async close() {
          await backend.close();
          at('close');
        },
      };
      return faulty;
    },
  };
}

const fileOperations = [
  'makeDirectory',
  'list',
  'create',
  'write',
  'sync',
  'close',
  'rename',
  'exists',
  'remove',
  'syncDirectory',
];

function faultyFiles(files: Files, fault: Fault): Files {
  const at = async <T>(operation: string, call: () => Promise<T>): Promise<T> => {
    strike(fault, operation, 'EIO');
    return call();
  };
  return {
    makeDirectory: (path) => at('makeDirectory', () => files.makeDirectory(path)),
    list: (path) => at('list', () => files.list(path)),
    rename: (from, to) => at('rename', () => files.rename(from, to)),
    remove: (path) => at('remove', () => files.remove(path)),
    exists: (path) => at('exists', () => files.exists(path)),
    syncDirectory: (path) => at('syncDirectory', () => files.syncDirectory(path)),
    read: (path) => files.read(path),
    stat: (path) => files.stat(path),
    open: (path) => files.open(path),
    create: (path) =>
      at('create', async (): Promise<WritableFile> => {
        const file = await files.create(path);
        return {
          write: (bytes) => at('write', () => file.write(bytes)),
          sync: () => at('sync', () => file.sync()),
          close: () => at('close', () => file.close()),
        };
      }),
  };
}

/** Each place of an operation in turn, until there is none any more. Returns how many there were. */
async function atEachPlace(
  operation: string,
  check: (fault: Fault) => Promise<void>,
): Promise<number> {
  for (let nth = 1; nth < 100; nth += 1) {
    const fault: Fault = { operation, nth, met: 0 };
    await check(fault);
    if (fault.met < nth) return nth - 1;
  }
  throw new Error('too many places');
}

async function expectWhole(world: World): Promise<void> {
  expect(await world.lines('/out')).toEqual(expected);
  const names = await world.files.list('/out');
  expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
}

describe('a disk that fails at each place of a commit', () => {
  test.each([
    ...backendOperations.map((operation) => ['state', operation] as const),
    ...fileOperations.map((operation) => ['files', operation] as const),
  ])('%s, %s: ends in a coded error, and goes on when it is mended', async (kind, operation) => {
    const places = await atEachPlace(operation, async (fault) => {
      const world = simulatedWorld({ seed: fault.nth });
      const broken = await live(world, (runtime) =>
        kind === 'state'
          ? { state: faultyDisk(world.disk, fault) }
          : { runtime: { ...runtime, files: faultyFiles(runtime.files, fault) } },
      );
      // What is visible so far is right, and is a beginning.
      const lines = await world.lines('/out');
      expect(lines).toEqual(expected.slice(0, lines.length));
      if (fault.met >= fault.nth && broken.error !== undefined) {
        expect(['STATE_WRITE_FAILED', 'SINK_FAILED']).toContain(
          (broken.error as { code?: string }).code,
        );
        expect(String(broken.error)).toContain('failed');
      }
      await live(world);
      await expectWhole(world);
    });
    // Every operation is met, but for those that part files do not need.
    if (!['exists', 'remove'].includes(operation)) expect(places).toBeGreaterThan(0);
  });

  test.each([
    ...backendOperations.map((operation) => ['state', operation] as const),
    ...fileOperations.map((operation) => ['files', operation] as const),
  ])('%s, %s: a restart goes on by itself', async (kind, operation) => {
    await atEachPlace(operation, async (fault) => {
      const world = simulatedWorld({ seed: fault.nth });
      const restart = restarts.exponentialDelay({ attempts: 3 });
      const { summary, error } = await live(world, (runtime) =>
        kind === 'state'
          ? { restart, state: faultyDisk(world.disk, fault) }
          : { restart, runtime: { ...runtime, files: faultyFiles(runtime.files, fault) } },
      );
      expect(error).toBeUndefined();
      expect(summary?.phase).toBe('finished');
      await expectWhole(world);
    });
  });
});

describe('a sink that hangs', () => {
  type Step = 'write' | 'prepare' | 'publish';

  /** Never comes back from the second call of a step; its close hangs too when told to. */
  function hanging(step: Step, closes: boolean): Sink<number> {
    const sink = partFiles<number>({ uid: 'out', directory: '/out' });
    let calls = 0;
    let hangs = false;
    const at = async (name: Step): Promise<void> => {
      if (name !== step) return;
      calls += 1;
      hangs ||= calls === 2;
      if (calls === 2) await new Promise(() => undefined);
    };
    return {
      ...sink,
      async open(...given) {
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
            if (hangs && !closes) await new Promise(() => undefined);
            await writer.close();
          },
        };
      },
    };
  }

  test.each(['write', 'prepare', 'publish'] as const)(
    'in %s ends the run after a while, and is named; a mended one goes on',
    async (step) => {
      const world = simulatedWorld({ seed: 1 });
      const checkpointTimeout = '5m';
      const to = hanging(step, true);
      const { error } = await live(world, () => ({ to, checkpointTimeout }));
      expect(error).toMatchObject({ code: 'CHECKPOINT_TIMEOUT', retryable: true });
      expect((error as Error).message).toContain(
        // What a sink writes it also prepares, so a hanging write may be met as either.
        step === 'write' ? 'waits for sink "out" to' : `waits for sink "out" to ${step}`,
      );
      expect((error as Error).message).toContain('within 5m');
      await live(world);
      await expectWhole(world);
    },
  );

  test.each(['write', 'prepare', 'publish'] as const)(
    'in %s is begun again with a restart, once it can be closed',
    async (step) => {
      const world = simulatedWorld({ seed: 1 });
      const restart = restarts.fixedDelay({ attempts: 2 });
      const to = hanging(step, true);
      const { summary } = await live(world, () => ({ to, restart }));
      expect(summary).toMatchObject({ phase: 'finished', restarts: 1 });
      await expectWhole(world);
    },
  );

  test('in its close as well is not begun again: it could still write', async () => {
    const world = simulatedWorld({ seed: 1 });
    const restart = restarts.fixedDelay({ attempts: 2 });
    const to = hanging('prepare', false);
    const { error } = await live(world, () => ({ to, restart }));
    expect(error).toMatchObject({ code: 'CHECKPOINT_TIMEOUT' });
    // The state is free all the same, so another process may go on.
    await live(world);
    await expectWhole(world);
  });
});
