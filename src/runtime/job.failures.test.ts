import { describe, expect, test } from 'vitest';
import {
  callback,
  collect,
  eventTime,
  iterable,
  keyBy,
  memory,
  pipeline,
  process,
  run,
  unchecked,
  valueState,
  type PipelineDefinition,
  type RunSummary,
  type Sink,
  type Source,
} from '../index.js';

const same = pipeline('same', unchecked<number>(), (n$) => n$);

describe('a source that fails', () => {
  const failing = (where: 'splits' | 'size' | 'open' | 'read'): Source<number> => ({
    name: 'bad',
    replayable: true,
    async size() {
      if (where === 'size') throw new Error(where);
      return 0;
    },
    async splits() {
      if (where === 'splits') throw new Error(where);
      return ['0'];
    },
    async open() {
      if (where === 'open') throw new Error(where);
      return {
        read: () => Promise.reject(new Error(where)),
        close: () => Promise.resolve(),
      };
    },
  });

  test.each(['splits', 'size', 'open', 'read'] as const)(
    'in %s ends the run with SOURCE_FAILED and the cause',
    async (where) => {
      const failure = await failureOf(same, { from: failing(where), to: collect({ uid: 'out' }) });
      expect(failure).toMatchObject({
        code: 'SOURCE_FAILED',
        retryable: true,
        where: 'source "bad"',
        cause: { message: where },
      });
    },
  );

  test('keeps the code of an error that has one', async () => {
    const broken = (): Iterable<number> =>
      (function* () {
        yield 1;
        throw new Error('deep');
      })();
    const failure = await failureOf(same, { from: iterable(broken), to: collect({ uid: 'out' }) });
    expect(failure).toMatchObject({ code: 'SOURCE_FAILED', where: 'iterable' });
  });
});

describe('a sink that fails', () => {
  type Step = 'recover' | 'open' | 'write' | 'prepare' | 'publish' | 'close';

  const failing = (step: Step, log: string[] = []): Sink<number> => {
    const at = async (name: Step): Promise<undefined> => {
      log.push(name);
      if (name === step) throw new Error(name);
      return undefined;
    };
    return {
      uid: 'bad',
      guarantee: 'two-phase',
      allowDuplicates: false,
      recover: () => at('recover'),
      async open() {
        await at('open');
        return {
          write: () => at('write'),
          prepare: () => at('prepare'),
          publish: () => at('publish'),
          close: () => at('close'),
        };
      },
    };
  };

  test.each<Step>(['recover', 'open', 'write', 'prepare', 'publish', 'close'])(
    'in %s ends the run with SINK_FAILED and the cause',
    async (step) => {
      const failure = await failureOf(same, { from: iterable([1, 2, 3]), to: failing(step) });
      expect(failure).toMatchObject({
        code: 'SINK_FAILED',
        retryable: true,
        where: 'sink "bad"',
        cause: { message: step },
      });
    },
  );

  test.each<Step>(['write', 'prepare'])('in %s is closed', async (step) => {
    const log: string[] = [];
    await failureOf(same, { from: iterable([1]), to: failing(step, log) });
    expect(log.at(-1)).toBe('close');
  });

  test('to open closes the writers that were open already', async () => {
    const log: string[] = [];
    const good = failing('close', log);
    await failureOf(same, { from: iterable([1]), to: [{ ...good, uid: 'good' }, failing('open')] });
    expect(log).toContain('close');
  });

  test('in the middle of a long run ends it too, whatever epoch is under way', async () => {
    let written = 0;
    const sink: Sink<number> = {
      ...failing('close'),
      open: () =>
        Promise.resolve({
          async write(values) {
            written += values.length;
            if (written > 3000) throw new Error('disk full');
          },
          prepare: () => Promise.resolve(undefined),
          publish: () => Promise.resolve(),
          close: () => Promise.resolve(),
        }),
    };
    const values = Array.from({ length: 20_000 }, (_, n) => n);
    const options = { from: iterable(values), to: sink, checkpoint: { records: 500 } };
    expect(await failureOf(same, options)).toMatchObject({
      code: 'SINK_FAILED',
      cause: { message: 'disk full' },
    });
  });

  test('as a callback is named with the value', async () => {
    const sink = callback<number>(
      (n) => {
        if (n === 2) throw new Error('deep');
      },
      { uid: 'out', allowDuplicates: true },
    );
    const failure = await failureOf(same, { from: iterable([1, 2, 3]), to: sink });
    expect(failure).toMatchObject({ code: 'SINK_FAILED', cause: { message: 'deep' } });
    expect(String(failure)).toContain('for the value 2');
  });
});

describe('a stateful step that fails', () => {
  const counting = pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => Math.abs(n) }),
      keyBy((n) => `key ${n % 2}`),
      process({
        uid: 'x',
        state: { seen: valueState(0) },
        element(n: number, { state }) {
          if (n < 0) throw new RangeError('negative');
          state.seen.set(n);
          return [n];
        },
      }),
    ),
  );

  test.each([1, 3])(
    'ends the run, naming operator, key, timestamp, position and cause (%d shards)',
    async (parallelism) => {
      const out = collect<number>({ uid: 'out' });
      const failure = await failureOf(counting, {
        from: iterable([1, 2, -4, 5], { name: 'numbers' }),
        to: out,
        parallelism,
      });
      expect(failure).toMatchObject({
        code: 'USER_FUNCTION_FAILED',
        operator: 'x',
        key: 'key 0',
        timestamp: 4,
        position: 'numbers element 3',
        cause: { message: 'negative' },
      });
      expect(out.values).toEqual([]);
    },
  );

  test('does so again at the next run, from the last commit, until the function is mended', async () => {
    const state = memory();
    const out = collect<number>({ uid: 'out' });
    for (let times = 0; times < 2; times += 1)
      await failureOf(counting, { from: iterable([1, -2]), to: out, state });
    await settled(run(counting, { from: iterable([1, 2]), to: out, state }).done);
    expect(out.values).toEqual([1, 2]);
  });

  test('whose state cannot be encoded ends the run, naming operator and key', async () => {
    const odd = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n),
        process({
          uid: 'x',
          state: { bad: valueState<unknown>() },
          element: (_n, { state }) => state.bad.set(() => 1),
        }),
      ),
    );
    const failure = await failureOf(odd, { from: iterable([7]), to: collect({ uid: 'out' }) });
    expect(failure).toMatchObject({ code: 'VALUE_NOT_ENCODABLE', operator: 'x', key: 7 });
  });
});

type Given<Ins, Outs> = Parameters<typeof run<Ins, Outs>>[1];

async function failureOf<Ins, Outs>(
  definition: PipelineDefinition<Ins, Outs>,
  options: Given<Ins, Outs>,
): Promise<unknown> {
  return settled(run(definition, options).done).then(
    () => {
      throw new Error('the run did not fail');
    },
    (error: unknown) => error,
  );
}

/** Waits by turns of the event loop, so that a run that hangs fails in a moment. */
async function settled(promise: Promise<RunSummary>): Promise<RunSummary> {
  const watch = { isSettled: false };
  const watched = promise.finally(() => (watch.isSettled = true));
  watched.catch(() => undefined);
  for (let turn = 0; turn < 5000 && !watch.isSettled; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  if (!watch.isSettled) throw new Error('the run hangs');
  return watched;
}
