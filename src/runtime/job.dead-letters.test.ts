import { describe, expect, test } from 'vitest';
import { z } from 'zod';
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
  memory,
  pipeline,
  process,
  run,
  tumbling,
  unchecked,
  window,
  type DeadRecord,
  type PipelineDefinition,
  type RunSummary,
  type Source,
} from '../index.js';

const same = pipeline('same', unchecked<number>(), (n$) => n$);

/** Fails on negative numbers. */
const picky = pipeline('picky', unchecked<number>(), (n$) =>
  n$.pipe(
    map((n) => {
      if (n < 0) throw new RangeError(`${n} is negative`);
      return n;
    }),
  ),
);

describe('dead letters', () => {
  test.each([1, 3])(
    'name the source record, and the job goes on (%d shards)',
    async (parallelism) => {
      const out = collect<number>({ uid: 'out' });
      const dead = collect<DeadRecord>({ uid: 'dead' });
      const summary = await settled(
        run(picky, {
          from: iterable([1, -2, 3], { name: 'numbers' }),
          to: out,
          deadLetters: dead,
          parallelism,
        }).done,
      );
      expect(out.values).toEqual([1, 3]);
      expect(dead.values).toMatchObject([
        { operator: 'map', position: 'numbers element 2', raw: '-2', timestamp: undefined },
      ]);
      expect(summary.deadSamples).toEqual(dead.values);
      expect(summary).toMatchObject({ deadLetters: 1, records: 3, phase: 'finished' });
    },
  );

  test('are made of records that fail their schema, their timestamp, their key', async () => {
    const dead = collect<DeadRecord>({ uid: 'dead' });
    const strict = pipeline('strict', z.object({ at: z.number(), key: z.unknown() }), (event$) =>
      event$.pipe(
        eventTime({ timestamp: ({ at }) => at }),
        keyBy(({ key }) => key as string),
        window(tumbling({ size: 10 }), count(), { uid: 'w' }),
      ),
    );
    const values = [{}, { at: -1, key: 'a' }, { at: 1, key: null }, { at: 1, key: 'a' }];
    for (const parallelism of [1, 3]) {
      dead.values.length = 0;
      const { operators } = await settled(
        run(strict, {
          from: iterable<unknown>(values),
          to: collect<unknown>({ uid: 'out' }),
          deadLetters: dead,
          parallelism,
        }).done,
      );
      expect(dead.values.map(({ operator, reason }) => [operator, reason.split(':')[0]])).toEqual([
        ['input', 'RECORD_INVALID'],
        ['eventTime', 'TIMESTAMP_INVALID'],
        ['keyBy', 'KEY_INVALID'],
      ]);
      expect(operators['w']).toMatchObject({ received: 1, accepted: 1 });
    }
  });

  test('behind a keyBy of several shards name the source record too', async () => {
    const dead = collect<DeadRecord>({ uid: 'dead' });
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n),
        process<number, number, number>({ uid: 'x', element: (n) => [n] }),
        flatMap((n) => {
          if (n === 2) throw new Error('two');
          return [n];
        }),
      ),
    );
    await settled(
      run(p, {
        from: iterable([1, 2, 3], { name: 'numbers' }),
        to: collect<number>({ uid: 'out' }),
        deadLetters: dead,
        parallelism: 3,
      }).done,
    );
    expect(dead.values).toMatchObject([{ operator: 'flatMap', position: 'numbers element 2' }]);
  });

  test.each([1, 3])(
    'of a step that feeds a connect and something else are one per record (%d shards)',
    async (parallelism) => {
      const dead = collect<DeadRecord>({ uid: 'dead' });
      const shared = pipeline('shared', unchecked<number>(), (n$) => {
        const kept = n$.pipe(
          keyBy((n) => n % 10),
          filter((n) => {
            if (n === 7) throw new Error('seven');
            return true;
          }),
        );
        const other = n$.pipe(keyBy((n) => n % 10));
        return {
          joined: kept.pipe(connect(other, { uid: 'x', first: () => ['a'], second: () => ['b'] })),
          kept: kept.pipe(map(String)),
        };
      });
      const { operators, deadLetters } = await settled(
        run(shared, {
          from: iterable(Array.from({ length: 100 }, (_, n) => n)),
          to: {
            joined: collect<string>({ uid: 'joined' }),
            kept: collect<string>({ uid: 'kept' }),
          },
          deadLetters: dead,
          parallelism,
        }).done,
      );
      expect(dead.values.map(({ raw }) => raw)).toEqual(['7']);
      expect(deadLetters).toBe(1);
      expect(operators['filter']).toMatchObject({ received: 100, accepted: 99, dead: 1 });
    },
  );

  test('are inside the epoch: none is repeated or lost by a failure', async () => {
    const state = memory();
    const dead = collect<DeadRecord>({ uid: 'dead' });
    const out = collect<number>({ uid: 'out' });
    const values = Array.from({ length: 4000 }, (_, n) => (n % 500 === 0 ? -n - 1 : n));
    let isBroken = true;
    const fragile = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        map((n) => {
          if (n < 0) throw new Error('negative');
          return n;
        }),
        keyBy((n) => n % 10),
        process<number, number, number>({
          uid: 'x',
          element(n) {
            if (n === 3100 && (isBroken as boolean)) throw new Error('broken');
            return [n];
          },
        }),
      ),
    );
    const given = (): [
      typeof fragile,
      Parameters<typeof run<{ input: number }, { output: number }>>[1],
    ] => [
      fragile,
      {
        from: iterable(values, { chunk: 100 }),
        to: out,
        deadLetters: dead,
        state,
        checkpoint: { records: 300 },
      },
    ];
    await failureOf(...given());
    isBroken = false;
    const summary = await settled(run(...given()).done);
    expect(summary.resumedFromEpoch).toBeGreaterThan(0);
    expect(dead.values.map(({ raw }) => raw)).toEqual(values.filter((n) => n < 0).map(String));
    expect(out.values).toEqual(values.filter((n) => n >= 0));
    expect(summary).toMatchObject({ deadLetters: 8, records: 4000 });
  });

  test('a hundred in a row stop the job', async () => {
    const values = Array.from({ length: 300 }, (_, n) => (n < 50 ? n : -n));
    const failure = await failureOf(picky, { from: iterable(values), to: collect({ uid: 'out' }) });
    expect(failure).toMatchObject({ code: 'DEAD_LETTERS_EXCEEDED' });
    expect(String(failure)).toContain('100 of them in a row');
  });

  test('more than the tolerated share stop the job, once there are enough records to judge', async () => {
    const values = Array.from({ length: 3000 }, (_, n) => (n % 50 === 49 ? -1 : 1));
    const given = { from: iterable(values), to: collect<number>({ uid: 'out' }) };
    expect(await failureOf(picky, given)).toMatchObject({ code: 'DEAD_LETTERS_EXCEEDED' });
    const tolerant = { ...given, deadLettersMax: { share: 0.03 } };
    expect(await settled(run(picky, tolerant).done)).toMatchObject({ deadLetters: 60 });
    const few = { ...given, from: iterable(values.slice(0, 999)) };
    expect(await settled(run(picky, few).done)).toMatchObject({ deadLetters: 19 });
  });
});

describe('unreadable records', () => {
  const readable = (unreadable: readonly number[]): Source<number> => ({
    name: 'lines',
    replayable: true,
    splits: () => Promise.resolve(['0']),
    open() {
      let isRead = false;
      const values = [10, 20, 30];
      return Promise.resolve({
        close: () => Promise.resolve(),
        read() {
          if (isRead) return Promise.resolve(undefined);
          isRead = true;
          const origin = { name: 'lines.csv', unit: 'line' };
          return Promise.resolve({
            cursor: 6,
            chunk: {
              kind: 'chunk' as const,
              values,
              timestamps: [NaN, NaN, NaN],
              keys: [],
              positions: [2, 4, 6],
              derivedKeys: [],
              origin,
              unreadable: unreadable.map((before, at) => ({
                before,
                position: 2 * at + 1,
                raw: `line ${2 * at + 1}`,
                reason: 'a quote is not closed',
              })),
            },
          });
        },
      });
    },
  });

  test('become dead letters, counted at their input', async () => {
    const dead = collect<DeadRecord>({ uid: 'dead' });
    const out = collect<number>({ uid: 'out' });
    const summary = await settled(
      run(same, { from: readable([0, 1, 3]), to: out, deadLetters: dead }).done,
    );
    expect(out.values).toEqual([10, 20, 30]);
    expect(dead.values).toMatchObject([
      { operator: 'input', position: 'lines.csv line 1', raw: 'line 1' },
      { operator: 'input', position: 'lines.csv line 3', raw: 'line 3' },
      { operator: 'input', position: 'lines.csv line 5', raw: 'line 5' },
    ]);
    expect(dead.values[0]?.reason).toContain('RECORD_UNREADABLE');
    expect(summary).toMatchObject({ deadLetters: 3, records: 6 });
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
