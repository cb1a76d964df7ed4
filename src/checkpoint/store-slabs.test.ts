import { describe, expect, test } from 'vitest';
import { PipelineError, TidemarkError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { KeyedStateSpec } from '../core/operator.js';
import { KeyedStore } from '../state/slots.js';
import { reload } from '../testing/harness-disk.js';
import { freezeStore, type FrozenPiece } from './store-slabs.js';

interface Box {
  value: unknown;
}

const spec: KeyedStateSpec<Box> = {
  create: () => ({ value: undefined }),
  pack: ({ value }) => value,
  unpack(packed) {
    if (packed === 'poison') throw new TypeError('not of this shape');
    return { value: packed };
  },
  isEmpty: ({ value }) => value === undefined,
};

type Store = KeyedStore<Box>;

describe('a store frozen and loaded again', () => {
  test('has the same slots, for keys of all kinds', () => {
    const store = makeStore();
    const keys: Key[] = [10, '10', 10n, -0, 0n, true, '', '__proto__', [1, 'a'], {}, { a: -1.5 }];
    for (const [index, key] of keys.entries()) put(store, key, index + 1);
    const copy = load([drain(store)]);
    expect(copy.size).toBe(keys.length);
    for (const [index, key] of keys.entries()) expect(copy.find(key)?.live.value).toBe(index + 1);
  });

  test('has the last value of each epoch', () => {
    const store = makeStore();
    put(store, 'a', 1);
    put(store, 'b', 1);
    const epochs = [drain(store)];
    put(store, 'a', 2);
    epochs.push(drain(store));
    const copy = load(epochs);
    expect([copy.find('a')?.live.value, copy.find('b')?.live.value]).toEqual([2, 1]);
  });

  test('has lost what was removed, whatever epoch it was made in', () => {
    const store = makeStore();
    put(store, 'a', 1);
    put(store, 'b', 1);
    remove(store, 'b');
    const epochs = [drain(store)];
    remove(store, 'a');
    epochs.push(drain(store));
    expect(load(epochs).size).toBe(0);
  });

  test('has what was removed and made again in one epoch', () => {
    const store = makeStore();
    put(store, 'a', 1);
    const epochs = [drain(store)];
    remove(store, 'a');
    put(store, 'a', 2);
    remove(store, 'a');
    put(store, 'a', 3);
    epochs.push(drain(store));
    expect(load(epochs).find('a')?.live.value).toBe(3);
    remove(store, 'a');
    epochs.push(drain(store));
    expect(load(epochs).size).toBe(0);
  });

  test('a key that came and went within an epoch leaves no piece', () => {
    const store = makeStore();
    put(store, 'a', 1);
    remove(store, 'a');
    expect(drain(store)).toEqual([]);
  });

  test('an unchanged store leaves no slab', () => {
    const store = makeStore();
    put(store, 'a', 1);
    store.timers.event.set(store.slot('a'), 5);
    drain(store);
    expect(drain(store)).toEqual([]);
  });

  test('has the same timers, in both domains', () => {
    const store = makeStore();
    for (const [key, time] of [
      ['a', 10],
      ['a', -3.5],
      ['b', 10],
      [[1], Infinity],
    ] as [Key, number][])
      store.timers.event.set(store.slot(key), time);
    store.timers.processing.set(store.slot('a'), 99);
    const copy = load([drain(store)]);
    expect(timersOf(copy)).toEqual(timersOf(store));
    expect(copy.eventTimers.size).toBe(4);
  });

  test('a key with a timer and no state is there', () => {
    const store = makeStore();
    store.timers.event.set(store.slot('a'), 10);
    const copy = load([drain(store)]);
    expect(copy.find('a')?.timers).toBe(1);
    copy.timers.event.take(10);
    copy.release(copy.slot('a'));
    expect(copy.size).toBe(0);
  });

  test('a timer that was set and fired within an epoch does not come back', () => {
    const store = makeStore();
    store.timers.event.set(store.slot('a'), 10);
    store.timers.event.take(10);
    expect(timersOf(load([drain(store)]))).toEqual([]);
  });

  test('a timer that fired in a later epoch does not come back', () => {
    const store = makeStore();
    store.timers.event.set(store.slot('a'), 10);
    store.timers.event.set(store.slot('a'), 20);
    const epochs = [drain(store)];
    store.timers.event.take(10);
    epochs.push(drain(store));
    expect(timersOf(load(epochs))).toEqual(['event "a" 20']);
  });

  test('a timer deleted and set again is pending', () => {
    const store = makeStore();
    const slot = store.slot('a');
    store.timers.event.set(slot, 10);
    const epochs = [drain(store)];
    store.timers.event.delete(slot, 10);
    store.timers.event.set(slot, 10);
    epochs.push(drain(store));
    store.timers.event.delete(slot, 10);
    epochs.push(drain(store));
    expect(timersOf(load(epochs.slice(0, 2)))).toEqual(['event "a" 10']);
    expect(timersOf(load(epochs))).toEqual([]);
  });
});

describe('work during the drain', () => {
  test('does not reach the frozen epoch', () => {
    for (let step = 0; step <= 6; step += 1) {
      const store = makeStore();
      for (const key of ['a', 'b', 'c', 'd', 'e']) put(store, key, 1);
      const epochs = [drain(store)];
      for (const key of ['a', 'b', 'c', 'd']) put(store, key, 2);
      remove(store, 'e');
      const slabs: FrozenPiece[] = [];
      let taken = 0;
      for (const slab of freezeStore(store as never, 'op')) {
        if (slab !== undefined) slabs.push(slab);
        if (taken === step) disturb(store);
        taken += 1;
      }
      if (step >= taken) disturb(store);
      epochs.push(slabs);
      const copy = load(epochs);
      expect(
        [...copy.slots()].map(({ key, live }) => `${String(key)}${String(live.value)}`).sort(),
      ).toEqual(['a2', 'b2', 'c2', 'd2']);
      epochs.push(drain(store));
      expect(
        [...load(epochs).slots()]
          .map(({ key, live }) => `${String(key)}${String(live.value)}`)
          .sort(),
      ).toEqual(['a3', 'c4', 'd2', 'e5', 'f6']);
    }
  });

  test('on a store that was itself loaded does not reach the frozen epoch either', () => {
    const first = makeStore();
    put(first, 'a', 1);
    const epochs = [drain(first)];
    const store = load(epochs);
    put(store, 'a', 2);
    const draining = freezeStore(store as never, 'op');
    put(store, 'a', 3);
    epochs.push([...draining].filter((slab) => slab !== undefined));
    expect(load(epochs).find('a')?.live.value).toBe(2);
    epochs.push(drain(store));
    expect(load(epochs).find('a')?.live.value).toBe(3);
  });

  test('does not move timers into the frozen epoch', () => {
    const store = makeStore();
    store.timers.event.set(store.slot('a'), 10);
    const draining = freezeStore(store as never, 'op');
    store.timers.event.set(store.slot('b'), 20);
    store.timers.event.take(10);
    const epochs = [[...draining].filter((slab) => slab !== undefined)];
    expect(timersOf(load(epochs))).toEqual(['event "a" 10']);
    epochs.push(drain(store));
    expect(timersOf(load(epochs))).toEqual(['event "b" 20']);
  });

  function disturb(store: Store): void {
    put(store, 'a', 3);
    remove(store, 'b');
    remove(store, 'c');
    put(store, 'c', 4);
    put(store, 'e', 5);
    put(store, 'f', 6);
  }
});

describe('what does not fit', () => {
  test('a value that cannot be encoded is named by operator and key', () => {
    const store = makeStore();
    put(store, 'song 1', () => 1);
    let error: unknown;
    try {
      drain(store);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PipelineError);
    expect(error).toMatchObject({ code: 'VALUE_NOT_ENCODABLE', operator: 'op', key: 'song 1' });
  });

  test('state that the operator cannot read is incompatible, not damaged', () => {
    const store = makeStore();
    put(store, 'a', 'poison');
    const slabs = drain(store);
    let error: unknown;
    try {
      load([slabs]);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TidemarkError);
    expect(error).toMatchObject({ code: 'STATE_INCOMPATIBLE', cause: expect.any(TypeError) });
  });

  test('a damaged block is refused', () => {
    const store = makeStore();
    put(store, 'a', 1);
    const [good] = drain(store) as [FrozenPiece];
    const block = (good.block as Uint8Array).slice();
    block[12] = (block[12] ?? 0) ^ 1;
    expect(() => load([[{ ...good, block }]])).toThrow('STATE_DAMAGED');
  });
});

function makeStore(): Store {
  return new KeyedStore({ spec, maxParallelism: 4, durable: true });
}

function put(store: Store, key: Key, value: unknown): void {
  const slot = store.slot(key);
  store.touch(slot);
  slot.live.value = value;
}

function remove(store: Store, key: Key): void {
  put(store, key, undefined);
  store.release(store.slot(key));
}

function drain(store: Store): FrozenPiece[] {
  return [...freezeStore(store as never, 'op')].filter((slab) => slab !== undefined);
}

/** A store from the pieces of several epochs, oldest first. */
function load(epochs: readonly (readonly FrozenPiece[])[]): Store {
  return reload(makeStore() as never, epochs.flat()) as Store;
}

function timersOf(store: Store): string[] {
  const domains = { event: store.eventTimers, processing: store.processingTimers };
  return Object.entries(domains)
    .flatMap(([domain, timers]) =>
      [...timers.entries()].map(([time, { key }]) => `${domain} ${JSON.stringify(key)} ${time}`),
    )
    .sort();
}
