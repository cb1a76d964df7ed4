import { describe, expect, test } from 'vitest';
import { keyGroupOf } from '../core/key-group.js';
import type { Key } from '../core/key.js';
import type { KeyedStateSpec } from '../core/operator.js';
import { hashKey } from './key-hash.js';
import { PARTS, partOf, placesOf } from './places.js';
import { KeyedStore, type StoredSlot } from './slots.js';

interface Count {
  count: number;
}

const spec: KeyedStateSpec<Count> = {
  create: () => ({ count: 0 }),
  pack: ({ count }) => count,
  unpack: (packed) => ({ count: packed as number }),
  isEmpty: ({ count }) => count === 0,
};

describe('finding slots', () => {
  test('a slot is made once per key', () => {
    const store = storeOf();
    const slot = store.slot('a');
    expect(store.slot('a')).toBe(slot);
    expect(store.find('a')).toBe(slot);
    expect(store.find('b')).toBeUndefined();
    expect(store.size).toBe(1);
  });

  test('keys of different types are different keys', () => {
    const keys: readonly Key[] = [10, '10', 10n, true, 'true', false, '', 0, 0n, '0', '__proto__'];
    const more: readonly Key[] = [
      [10],
      ['10'],
      [10n],
      [],
      {},
      { a: 1 },
      { a: '1' },
      [[1] as never],
    ];
    const store = storeOf();
    const legal = [...keys, ...more.slice(0, -1)];
    for (const [index, key] of legal.entries()) store.slot(key).live.count = index + 1;
    expect(store.size).toBe(legal.length);
    for (const [index, key] of legal.entries()) expect(store.find(key)?.live.count).toBe(index + 1);
  });

  test('composite keys are equal by value, whatever the order of their fields', () => {
    const store = storeOf();
    const slot = store.slot({ a: 1, b: 'x' });
    expect(store.slot({ b: 'x', a: 1 })).toBe(slot);
    expect(store.slot({ a: 1, b: 'y' })).not.toBe(slot);
    expect(store.slot([1, 'x'])).toBe(store.slot([1, 'x']));
    expect(store.slot([1, 'x'])).not.toBe(store.slot(['x', 1]));
  });

  test('a string that is spelled like a composite is another key', () => {
    const store = storeOf();
    store.slot([1]);
    for (const slot of [...store.slots()]) {
      const text = JSON.stringify(slot.key);
      expect(store.find(text)).toBeUndefined();
    }
    expect(store.slot('P')).not.toBe(store.slot([]));
  });

  test('-0 is 0, also inside a composite, and the slot says 0', () => {
    const store = storeOf();
    expect(store.slot(-0)).toBe(store.slot(0));
    expect(Object.is(store.slot(-0).key, 0)).toBe(true);
    expect(store.slot([-0])).toBe(store.slot([0]));
    const other = storeOf();
    expect(Object.is(other.slot(-0).key, 0)).toBe(true);
  });

  test('NaN finds itself', () => {
    const store = storeOf();
    expect(store.slot(NaN)).toBe(store.slot(NaN));
  });

  test('a key object that its owner changes does not move the slot', () => {
    const store = storeOf();
    const key = { user: 'ann' };
    const slot = store.slot(key);
    key.user = 'bob';
    expect(store.find({ user: 'ann' })).toBe(slot);
    expect(slot.key).toEqual({ user: 'ann' });
    expect(store.find(key)).toBeUndefined();
  });

  test('slots gives all of them, scalars and composites', () => {
    const store = storeOf();
    for (const key of ['a', [1], 2n] as Key[]) store.slot(key);
    expect(new Set([...store.slots()].map((slot) => slot.key)).size).toBe(3);
  });
});

describe('release', () => {
  test.each([true, false])('drops an empty slot (durable: %s)', (durable) => {
    const store = storeOf(durable);
    for (const key of ['a', [1, 2]] as Key[]) {
      store.release(store.slot(key));
      expect(store.find(key)).toBeUndefined();
    }
    expect(store.size).toBe(0);
  });

  test('keeps a slot that holds something, or has a timer', () => {
    const store = storeOf();
    put(store, 'a', 1);
    store.release(store.slot('a'));
    const timed = store.slot('b');
    store.timers.event.set(timed, 5);
    store.release(timed);
    expect(store.size).toBe(2);
    store.timers.event.delete(timed, 5);
    store.release(timed);
    expect(store.size).toBe(1);
  });

  test('a released slot that is released again does not drop its successor', () => {
    const store = storeOf();
    const first = store.slot('a');
    store.release(first);
    const second = store.slot('a');
    store.release(first);
    expect(store.find('a')).toBe(second);
  });

  test('keys that hold nothing leave nothing to be frozen', () => {
    const store = storeOf();
    for (let key = 0; key < 1000; key += 1) store.release(store.slot(key));
    expect([...store.freeze(() => undefined).values()].flat().length).toBe(0);
  });
});

describe('freeze', () => {
  test('gives exactly the slots changed since the last one', () => {
    const store = storeOf();
    put(store, 'a', 1);
    put(store, 'b', 1);
    expect(frozenKeys(store)).toEqual(['a', 'b']);
    put(store, 'b', 2);
    expect(frozenKeys(store)).toEqual(['b']);
    expect(frozenKeys(store)).toEqual([]);
  });

  test('a slot changed often is given once', () => {
    const store = storeOf();
    for (let count = 1; count < 10; count += 1) put(store, 'a', count);
    expect(frozenKeys(store)).toEqual(['a']);
  });

  test('slots are dealt to the parts that hold the places of their key group', () => {
    const store = storeOf();
    for (let key = 0; key < 2000; key += 1) put(store, `song ${key}`, 1);
    const frozen = store.freeze(() => undefined);
    for (const [part, slots] of frozen)
      for (const slot of slots) {
        const group = keyGroupOf(hashKey(slot.key), 16);
        const { from, to } = placesOf({ from: group, to: group + 1 }, 16);
        expect(store.placeOf(slot)).toBeGreaterThanOrEqual(from);
        expect(store.placeOf(slot)).toBeLessThan(to);
        expect(part).toBe(partOf(store.placeOf(slot)));
      }
    expect(frozen.size).toBe(PARTS);
  });

  test('a frozen slot is handed over before its first change, and only before that', () => {
    const store = storeOf();
    put(store, 'a', 1);
    const saved = freezeAndSave(store);
    put(store, 'a', 2);
    put(store, 'a', 3);
    expect(saved).toEqual([['a', 1]]);
  });

  test('a slot that the frozen epoch has not changed is not handed over', () => {
    const store = storeOf();
    put(store, 'a', 1);
    frozenKeys(store);
    put(store, 'b', 1);
    const saved = freezeAndSave(store);
    put(store, 'a', 2);
    put(store, 'c', 1);
    expect(saved).toEqual([]);
  });

  test('a restored slot changed in the first epoch is handed over before it changes again', () => {
    const store = storeOf();
    store.restore('a', { count: 5 });
    put(store, 'a', 6);
    const saved = freezeAndSave(store);
    put(store, 'a', 7);
    expect(saved).toEqual([['a', 6]]);
  });

  test('a frozen slot that is removed is handed over as it was', () => {
    const store = storeOf();
    put(store, 'a', 1);
    const saved = freezeAndSave(store);
    remove(store, 'a');
    expect(saved).toEqual([['a', 1]]);
  });

  test('after thaw nothing is handed over', () => {
    const store = storeOf();
    put(store, 'a', 1);
    const saved = freezeAndSave(store);
    store.thaw();
    put(store, 'a', 2);
    expect(saved).toEqual([]);
  });

  test('one epoch is frozen at a time', () => {
    const store = storeOf();
    store.freeze(() => undefined);
    expect(() => store.freeze(() => undefined)).toThrow('one epoch is frozen at a time');
  });

  test('a removal is a change, and a key that comes back in the same epoch stands behind it', () => {
    const store = storeOf();
    put(store, 'a', 1);
    frozenKeys(store);
    remove(store, 'a');
    put(store, 'a', 2);
    const slots = [...store.freeze(() => undefined).values()].flat();
    expect(slots.map(({ isRemoved, live }) => [isRemoved, live.count])).toEqual([
      [true, 0],
      [false, 2],
    ]);
  });

  test('a store that is not durable freezes nothing', () => {
    const store = storeOf(false);
    put(store, 'a', 1);
    remove(store, 'a');
    put(store, 'b', 1);
    expect([...store.freeze(() => undefined).values()].flat()).toEqual([]);
  });
});

describe('restore', () => {
  test('a restored slot is found and clean', () => {
    const store = storeOf();
    store.restore([1, 'a'], { count: 3 });
    expect(store.find([1, 'a'])?.live.count).toBe(3);
    expect(frozenKeys(store)).toEqual([]);
  });
});

function storeOf(durable = true): KeyedStore<Count> {
  return new KeyedStore({ spec, maxParallelism: 16, durable });
}

function put(store: KeyedStore<Count>, key: Key, count: number): void {
  const slot = store.slot(key);
  store.touch(slot);
  slot.live.count = count;
}

function remove(store: KeyedStore<Count>, key: Key): void {
  put(store, key, 0);
  store.release(store.slot(key));
}

function frozenKeys(store: KeyedStore<Count>): Key[] {
  const frozen = store.freeze(() => undefined);
  const slots = [...frozen.values()].flat();
  for (const slot of slots) slot.isSaved = true;
  store.thaw();
  return slots.map(({ key }) => key).sort();
}

/** Freezes, and notes what is handed over before a change: key and count at that moment. */
function freezeAndSave(store: KeyedStore<Count>): [Key, number][] {
  const saved: [Key, number][] = [];
  store.freeze((slot: StoredSlot<Count>) => {
    slot.isSaved = true;
    saved.push([slot.key, slot.live.count]);
  });
  return saved;
}
