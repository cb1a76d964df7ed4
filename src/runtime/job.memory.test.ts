import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  collect,
  connect,
  iterable,
  keyBy,
  memory,
  pipeline,
  process,
  reduce,
  run,
  stream,
  unchecked,
  valueState,
} from '../index.js';
import { KeyedStore } from '../state/slots.js';
import { JobMemory } from './job-memory.js';

const counts = pipeline('counts', unchecked<number>(), (numbers) =>
  numbers.pipe(
    keyBy((n) => n),
    process({
      uid: 'count',
      state: { count: valueState(0), text: valueState('') },
      element(n, { state }) {
        state.count.set(state.count.get() + 1);
        state.text.set(`${n}`.padEnd(100, '.'));
        return [`${n} ${state.count.get()} ${state.text.get().length}`];
      },
    }),
  ),
);

/** Each key comes three times, all keys between two times. */
const numbers = Array.from({ length: 3 }, () => Array.from({ length: 500 }, (_, n) => n)).flat();

describe('a budget for state', () => {
  test.each([1, '20KB', '1MB'] as const)('of %s changes nothing in the output', async (budget) => {
    const [free, bound] = [collect<string>({ uid: 'out' }), collect<string>({ uid: 'out' })];
    await run(counts, { from: iterable(numbers), to: free }).done;
    const from = iterable(numbers, { chunk: 50 });
    const { epoch } = await run(counts, { from, to: bound, memory: budget }).done;
    expect(bound.values).toEqual(free.values);
    // What is changed has to be committed before it can leave.
    if (budget === '1MB') expect(epoch).toBe(1);
    else expect(epoch).toBeGreaterThan(1);
  });

  test('a job that is stopped goes on from keys that it has not read', async () => {
    const state = memory();
    const out = collect<string>({ uid: 'out' });
    const first = run(counts, {
      from: iterable(numbers, { chunk: 50 }),
      to: out,
      state,
      checkpoint: { records: 100 },
      memory: '20KB',
    });
    await new Promise((resolve) => setImmediate(resolve));
    await first.stop();
    await run(counts, { from: iterable(numbers), to: out, state, memory: 1 }).done;
    expect(new Set(out.values).size).toBe(numbers.length);
  });

  test.each([0, -1, '1 MB', 'much'])('of %s is refused', (budget) => {
    const to = collect<string>({ uid: 'out' });
    expect(() => run(counts, { from: iterable([1]), to, memory: budget as never })).toThrow(
      'OPTIONS_INVALID',
    );
  });

  test('clean slots leave the heap until the rest is within the budget', () => {
    const store = new KeyedStore<object>({
      spec: {
        create: () => ({}),
        pack: () => 'x'.repeat(100),
        unpack: () => ({}),
        isEmpty: () => false,
        evictable: true,
      },
      maxParallelism: 4,
      durable: true,
    });
    store.attach({ read: () => undefined, page: () => ({ found: [], next: 2 ** 32 }) }, 0);
    for (let key = 0; key < 1000; key += 1) store.restore(key, {});
    const budget = new JobMemory([['op', store]], 100_000);
    for (let round = 0; round < 50; round += 1) budget.step();
    expect(budget.heapBytes).toBeLessThan(100_000);
    expect(store.heapSize).toBeGreaterThan(100);
    expect(store.size).toBe(1000);
    expect(budget.epochIsForced()).toBe(false);
    for (const slot of store.hotSlots()) store.touch(slot);
    expect(budget.epochIsForced()).toBe(true);
    const before = store.heapSize;
    budget.step();
    expect(store.heapSize).toBe(before);
  });
});

describe('limits of an operator', () => {
  const distinct = pipeline('distinct', unchecked<number>(), (n$) =>
    n$.pipe(
      keyBy((n) => n),
      reduce((a) => a, { uid: 'all', limits: { keys: 10 } }),
    ),
  );

  test('as many keys as it may have are no matter', async () => {
    const out = collect<number>({ uid: 'out' });
    const ten = [...Array.from({ length: 10 }).keys()];
    await run(distinct, { from: iterable([...ten, ...ten]), to: out, memory: 1 }).done;
    expect(out.values.length).toBe(20);
  });

  test('one key more fails the job, and names the operator', async () => {
    const eleven = [...Array.from({ length: 11 }).keys()];
    const to = collect<number>({ uid: 'out' });
    const from = iterable(eleven, { chunk: 1 });
    await expect(run(distinct, { from, to, memory: 1 }).done).rejects.toMatchObject({
      code: 'STATE_LIMIT',
      where: 'operator "all"',
      hint: expect.stringContaining('TTL'),
    });
  });

  test('more bytes fail the job, too', async () => {
    const large = pipeline('large', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n),
        process({
          uid: 'texts',
          state: { text: valueState('') },
          limits: { bytes: 50_000 },
          element: (_n, { state }) => state.text.set('x'.repeat(1000)),
        }),
      ),
    );
    const from = iterable(numbers, { chunk: 10 });
    const error = run(large, { from, to: collect<unknown>({ uid: 'out' }) }).done;
    await expect(error).rejects.toMatchObject({ code: 'STATE_LIMIT', where: 'operator "texts"' });
  });

  test('nonsense is refused when the pipe is built', () => {
    const options = { uid: 'all', limits: { keys: 0 } };
    expect(() =>
      stream(of(1)).pipe(
        keyBy((n) => n),
        reduce((a) => a, options),
      ),
    ).toThrow('OPTIONS_INVALID');
    const other = stream(of(1)).pipe(keyBy((n) => n));
    const none = { first: () => undefined, second: () => undefined };
    const limits = { kyes: 1 } as never;
    expect(() => other.pipe(connect(other, { uid: 'both', limits, ...none }))).toThrow('kyes');
  });
});
