import { expect, test } from 'vitest';
import {
  collect,
  count,
  eventTime,
  iterable,
  keyBy,
  memory,
  nodeRuntime,
  pipeline,
  run,
  tumbling,
  unchecked,
  window,
  type CollectSink,
  type Run,
  type Runtime,
  type Source,
  type StateBackendFactory,
  type StopSignal,
} from '../index.js';

/** Signals that a test sends. */
function signalBox(): {
  signals: NonNullable<Runtime['signals']>;
  listeners: [StopSignal, () => void][];
} {
  const listeners: [StopSignal, () => void][] = [];
  return {
    listeners,
    signals: {
      on(signal, callback) {
        const entry: [StopSignal, () => void] = [signal, callback];
        listeners.push(entry);
        return () => void listeners.splice(listeners.indexOf(entry), 1);
      },
    },
  };
}

const counted = pipeline('counted', unchecked<number>(), (n$) =>
  n$.pipe(
    eventTime({ timestamp: (n) => n, every: 0 }),
    keyBy(() => 'all'),
    window(tumbling({ size: '1h' }), count(), { uid: 'w' }),
  ),
);

/** Gives some numbers and then waits for ever; a later open goes on behind them and ends. */
function waiting(values: readonly number[]): Source<number> {
  const plain = iterable(values);
  return {
    ...plain,
    async open(split, cursor, runtime) {
      const reader = await plain.open(split, cursor, runtime);
      if (cursor !== undefined) return reader;
      return {
        ...reader,
        read: async () => (await reader.read()) ?? new Promise(() => undefined),
      };
    },
  };
}

interface Begun {
  readonly running: Run;
  readonly out: CollectSink<{ value: number }>;
  readonly box: ReturnType<typeof signalBox>;
  send(signal: StopSignal): void;
}

function begin(state: StateBackendFactory, options: object = {}): Begun {
  const box = signalBox();
  const out = collect<{ value: number }>({ uid: 'out' });
  const running = run(counted, {
    from: waiting([1, 2, 3]),
    to: out,
    state,
    signals: true,
    runtime: { ...nodeRuntime(), signals: box.signals },
    ...options,
  });
  const send = (signal: StopSignal): void => {
    for (const [name, callback] of [...box.listeners]) if (name === signal) callback();
  };
  return { running, out, box, send };
}

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((next) => setImmediate(next));
}

test.each<StopSignal>(['SIGTERM', 'SIGINT'])(
  '%s stops the intake and commits, without an end of event time',
  async (signal) => {
    const state = memory();
    const { running, out, send, box } = begin(state);
    await turns();
    send(signal);
    const summary = await running.done;
    expect(summary).toMatchObject({ phase: 'stopped', records: 3, epoch: 1 });
    // The window is still open: nothing was told that time has ended.
    expect(summary.watermark).toBe(2);
    expect(out.values).toEqual([]);
    expect(box.listeners).toEqual([]);
    const next = begin(state);
    expect(await next.running.done).toMatchObject({ phase: 'finished', resumedFromEpoch: 1 });
    expect(next.out.values.map(({ value }) => value)).toEqual([3]);
  },
);

test('a second signal ends the run at once', async () => {
  const hanging = collect<{ value: number }>({ uid: 'out' });
  const { running, send, box } = begin(memory(), {
    to: {
      ...hanging,
      open: async (...given: Parameters<typeof hanging.open>) => ({
        ...(await hanging.open(...given)),
        // The last epoch hangs.
        prepare: () => new Promise(() => undefined),
      }),
    },
  });
  await turns();
  send('SIGTERM');
  await turns();
  send('SIGINT');
  await expect(running.done).rejects.toMatchObject({
    code: 'RUN_CANCELLED',
    got: 'a second signal, SIGINT',
  });
  expect(box.listeners).toEqual([]);
});

test('nobody listens unless told to', async () => {
  const { running, box } = begin(memory(), { signals: false });
  expect(box.listeners).toEqual([]);
  await running.stop();
});

test('a runtime without signals is refused when they are asked for', () => {
  const { signals: _, ...runtime } = nodeRuntime();
  expect(() => begin(memory(), { runtime })).toThrow('OPTIONS_INVALID');
});
