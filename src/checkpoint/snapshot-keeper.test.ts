import { expect, test } from 'vitest';
import type { Runtime } from '../core/runtime.js';
import { silentLogger } from '../core/runtime.js';
import type { CommittedState } from './committed-state.js';
import { SnapshotKeeper } from './snapshot-keeper.js';
import type { SnapshotStore } from './snapshot-store.js';

/** A store that notes what it is given; each write ends when it is told to. */
function world(options: { everyMs?: number; everyEpochs?: number; newest?: number } = {}) {
  let now = 0;
  const errors: string[] = [];
  const taken: number[] = [];
  const ends: { done(): void; fail(): void }[] = [];
  const store: SnapshotStore = {
    description: 'a store',
    list: () => Promise.resolve([]),
    clean: () => Promise.resolve(),
    write: (state, _runtime, isWanted) =>
      new Promise((resolve, reject) => {
        taken.push(state.record.epoch);
        ends.push({
          done: () => resolve(isWanted() ? ({} as never) : undefined),
          fail: () => reject(new Error('disk full')),
        });
      }),
  };
  const runtime = {
    clock: { now: () => now },
    log: { ...silentLogger, error: (_fields: object, sentence: string) => errors.push(sentence) },
  } as unknown as Runtime;
  const { everyMs = Infinity, everyEpochs = Infinity, newest = 0 } = options;
  const keeper = new SnapshotKeeper({ store, everyMs, everyEpochs }, runtime, newest);
  return {
    ...{ keeper, taken, errors, ends },
    commit: (epoch: number) =>
      keeper.committed(epoch, () => ({ record: { epoch } }) as CommittedState),
    async end(how: 'done' | 'fail' = 'done') {
      ends.shift()?.[how]();
      await keeper.settled();
    },
    turnTo: (ms: number) => (now = ms),
  };
}

test('the first commit of an empty store makes one due, then so many epochs', async () => {
  const { commit, end, taken, keeper } = world({ everyEpochs: 3 });
  for (let epoch = 1; epoch <= 8; epoch += 1) {
    commit(epoch);
    await end();
  }
  expect(taken).toEqual([1, 4, 7]);
  expect(keeper.epoch).toBe(7);
});

test('or so many ms after the last one began', async () => {
  const { commit, end, taken, turnTo } = world({ everyMs: 100, newest: 5 });
  for (const [epoch, ms] of [
    [6, 99],
    [7, 100],
    [8, 199],
    [9, 200],
  ] as const) {
    turnTo(ms);
    commit(epoch);
    await end();
  }
  expect(taken).toEqual([7, 9]);
});

test('one at a time', async () => {
  const { commit, end, taken } = world({ everyEpochs: 1 });
  commit(1);
  commit(2);
  expect(taken).toEqual([1]);
  await end();
  commit(3);
  expect(taken).toEqual([1, 3]);
});

test('one that fails is said, counted, and tried again after the next commit', async () => {
  const { commit, end, taken, errors, keeper } = world({ everyEpochs: 10 });
  commit(1);
  await end('fail');
  expect(errors).toHaveLength(1);
  expect([keeper.epoch, keeper.failures]).toEqual([0, 1]);
  commit(2);
  await end();
  expect(taken).toEqual([1, 2]);
  expect(keeper.epoch).toBe(2);
});

test('one that is given up does not count, and none follows', async () => {
  const { commit, end, taken, keeper } = world({ everyEpochs: 1 });
  commit(1);
  keeper.stop();
  await end();
  commit(2);
  expect([taken, keeper.epoch]).toEqual([[1], 0]);
});
