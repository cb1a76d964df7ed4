import { describe, expect, test } from 'vitest';
import { cellsSpec, SlotCursor, type Cells } from './handles.js';
import { listState, type ListState } from './handles-list.js';
import { KeyedStore } from './slots.js';
import { decodeValue, encodeValue } from './value-codec.js';

describe('listState', () => {
  test('keeps what is added, in order, for each key by itself', () => {
    const { list, at } = bench();
    at('a');
    expect([list.get(), list.size]).toEqual([[], 0]);
    list.add([1]);
    list.addAll([[2], [3]]);
    at('b');
    list.add([9]);
    at('a');
    expect([list.get(), list.size]).toEqual([[[1], [2], [3]], 3]);
  });

  test('update replaces, and replacing by nothing clears', () => {
    const { list, at, isEmpty } = bench();
    at('a');
    list.addAll([[1], [2]]);
    list.update(new Set([[3]]));
    expect(list.get()).toEqual([[3]]);
    list.update([]);
    expect([list.get(), list.size, isEmpty()]).toEqual([[], 0, true]);
  });

  test('clear leaves nothing behind', () => {
    const { list, at, isEmpty } = bench();
    at('a');
    list.add([1]);
    expect(isEmpty()).toBe(false);
    list.clear();
    expect([list.get(), isEmpty()]).toEqual([[], true]);
  });

  test('reading, clearing what is empty and adding nothing are no change', () => {
    const { list, at, changes } = bench();
    at('a');
    list.get();
    list.clear();
    list.addAll([]);
    list.update([]);
    expect(changes()).toBe(0);
    list.add([1]);
    expect(changes()).toBe(1);
  });

  test('an array that was given out is not changed by what is added later, for any key', () => {
    const { list, at } = bench();
    at('a');
    list.add([1]);
    const ofA = list.get();
    at('b');
    list.add([5]);
    const ofB = list.get();
    at('a');
    list.add([2]);
    list.addAll([[3]]);
    at('b');
    list.update([]);
    expect([ofA, ofB]).toEqual([[[1]], [[5]]]);
    at('a');
    expect(list.get()).toEqual([[1], [2], [3]]);
  });

  test('the array handed to update stays with its owner', () => {
    const { list, at } = bench();
    at('a');
    const mine = [[1]];
    list.update(mine);
    mine.push([2]);
    expect(list.get()).toEqual([[1]]);
  });

  test('in tests a list that is given out is frozen, and adding goes on', () => {
    const { list, at } = bench({ isGuarded: true });
    at('a');
    list.add([1]);
    const given = list.get() as number[][];
    expect(() => given.push([2])).toThrow(TypeError);
    expect(() => given[0]?.push(2)).toThrow(TypeError);
    list.add([3]);
    expect(list.get()).toEqual([[1], [3]]);
  });

  test('the empty list that is given out cannot be changed either', () => {
    const { list, at } = bench();
    at('a');
    expect(() => (list.get() as number[][]).push([1])).toThrow(TypeError);
  });

  test('an epoch is frozen as it was at the barrier, whatever is done to the list after', () => {
    for (const change of [
      (list: ListState<number[]>) => list.add([2]),
      (list: ListState<number[]>) => list.update([[7]]),
      (list: ListState<number[]>) => list.clear(),
      (list: ListState<number[]>) => void list.get()[0]?.push(2),
    ]) {
      const { list, at, store } = bench();
      at('a');
      list.add([1]);
      const saved: unknown[] = [];
      store.freeze((slot) => saved.push(decodeValue(encodeValue(store.spec.pack(slot.live)))));
      at('a');
      change(list);
      expect(saved).toEqual([new Map([['it', [[1]]]])]);
    }
  });

  test('what is packed comes back through the codec, and can be added to', () => {
    const { list, at, store, cursor } = bench();
    at('a');
    list.addAll([[1], [2]]);
    const packed = decodeValue(encodeValue(store.spec.pack(cursor.cells)));
    store.restore('b', store.spec.unpack(packed));
    at('b');
    list.add([3]);
    expect(list.get()).toEqual([[1], [2], [3]]);
    at('a');
    expect(list.size).toBe(2);
  });
});

function bench({ isGuarded = false } = {}) {
  const declaration = listState<number[]>();
  const spec = cellsSpec({ it: declaration });
  const store = new KeyedStore<Cells>({ spec, maxParallelism: 128, durable: true });
  const cursor = new SlotCursor(store, { isGuarded, watermark: () => 0, now: () => 0 });
  return {
    store,
    cursor,
    list: declaration.handle(cursor, 0),
    at: (key: string) => cursor.point(store.slot(key), NaN),
    isEmpty: () => spec.isEmpty(cursor.cells),
    changes() {
      const count = [...store.freeze(() => undefined).values()].flat().length;
      store.thaw();
      return count;
    },
  };
}
