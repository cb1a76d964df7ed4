import { describe, expect, test } from 'vitest';
import { cellsSpec, mapState, SlotCursor, valueState, type Cells } from './handles.js';
import type { MapState, StateDeclarations, ValueState } from './handles.js';
import { KeyedStore } from './slots.js';
import { decodeValue, encodeValue } from './value-codec.js';

describe('valueState', () => {
  test('get gives the initial value until something is set, and again after clear', () => {
    const { value, at } = oneValue(valueState(7));
    at('a');
    expect(value.get()).toBe(7);
    value.set(8);
    expect(value.get()).toBe(8);
    value.clear();
    expect(value.get()).toBe(7);
  });

  test('without an initial value get gives undefined', () => {
    const { value, at } = oneValue(valueState<string>());
    at('a');
    expect(value.get()).toBeUndefined();
  });

  test('keys do not see each other', () => {
    const { value, at } = oneValue(valueState(0));
    at('a');
    value.set(1);
    at('b');
    expect(value.get()).toBe(0);
    value.set(2);
    at('a');
    expect(value.get()).toBe(1);
  });

  test('an initial value made by a function is fresh for every key', () => {
    const { value, at } = oneValue(valueState((): string[] => []));
    at('a');
    value.get().push('of a');
    at('b');
    expect(value.get()).toEqual([]);
  });

  test.each([0, '', false, null, 0n])('%s is a value, not an absence', (given) => {
    const { value, at } = oneValue(valueState<unknown>('initial'));
    at('a');
    value.set(given);
    expect(value.get()).toBe(given);
  });

  test('reading and clearing what is empty is no change', () => {
    const { value, at, changes } = oneValue(valueState(0));
    at('a');
    value.get();
    value.clear();
    expect(changes()).toBe(0);
    value.set(1);
    expect(changes()).toBe(1);
  });

  test('a value that is changed in place and then set is frozen as it was at the barrier', () => {
    const { value, at, store } = oneValue(valueState((): number[] => []));
    at('a');
    value.set([1]);
    const saved: unknown[] = [];
    store.freeze((slot) => saved.push(decodeValue(encodeValue(store.spec.pack(slot.live)))));
    at('a');
    const list = value.get();
    list.push(2);
    value.set(list);
    expect(saved).toEqual([new Map([['it', [1]]])]);
    expect(value.get()).toEqual([1, 2]);
  });
});

describe('mapState', () => {
  test('is a map', () => {
    const { map, at } = oneMap();
    at('a');
    expect([map.size, map.has('x'), map.get('x')]).toEqual([0, false, undefined]);
    map.set('x', 1);
    map.set('y', 2);
    map.set('x', 3);
    expect([map.size, map.has('x'), map.get('x')]).toEqual([2, true, 3]);
    expect([...map.entries()]).toEqual([
      ['x', 3],
      ['y', 2],
    ]);
    expect([...map.keys()]).toEqual(['x', 'y']);
    expect([...map.values()]).toEqual([3, 2]);
    map.delete('x');
    expect([...map.keys()]).toEqual(['y']);
    map.clear();
    expect([map.size, [...map.entries()]]).toEqual([0, []]);
  });

  test('its keys are told apart by type', () => {
    const { map, at } = oneMap();
    at('a');
    for (const [index, key] of [10, '10', 10n, true, 'true', '__proto__'].entries())
      map.set(key, index);
    expect([map.get(10), map.get('10'), map.get(10n), map.get(true), map.get('true')]).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(map.get('__proto__')).toBe(5);
    expect(map.size).toBe(6);
  });

  test('deleting and clearing what is not there is no change', () => {
    const { map, at, changes } = oneMap();
    at('a');
    map.delete('x');
    map.clear();
    expect(changes()).toBe(0);
  });

  test('a stored undefined is an entry', () => {
    const { map, at } = oneMap();
    at('a');
    map.set('x', undefined as never);
    expect(map.has('x')).toBe(true);
    map.delete('x');
    expect(map.has('x')).toBe(false);
  });
});

describe('cellsSpec', () => {
  const spec = cellsSpec({ count: valueState(0), seen: mapState<string, number>() });

  test('is empty until a state holds something', () => {
    const live = spec.create() as Cells;
    expect(spec.isEmpty(live)).toBe(true);
    live.cells[1] = new Map();
    expect(spec.isEmpty(live)).toBe(true);
    live.cells[0] = 0;
    expect(spec.isEmpty(live)).toBe(false);
  });

  test('what is packed comes back through the codec', () => {
    const live: Cells = { cells: [5, new Map([['x', 1]])] };
    expect(spec.unpack(decodeValue(encodeValue(spec.pack(live))))).toEqual(live);
  });

  test('states are found by name: order may change, states may come and go', () => {
    const packed = spec.pack({ cells: [5, new Map([['x', 1]])] });
    const later = cellsSpec({ added: valueState<string>(), count: valueState(0) });
    expect(later.unpack(packed)).toEqual({ cells: [undefined, 5] });
  });

  test('a state may be called __proto__ or constructor', () => {
    const names = Object.fromEntries([
      ['__proto__', valueState(0)],
      ['constructor', valueState(0)],
    ]);
    const odd = cellsSpec(names);
    expect(odd.unpack(odd.pack({ cells: [1, 2] }))).toEqual({ cells: [1, 2] });
  });

  test('an operator without states is always empty', () => {
    const none = cellsSpec({});
    expect(none.isEmpty(none.create())).toBe(true);
  });
});

interface Workbench {
  readonly store: KeyedStore<Cells>;
  readonly cursor: SlotCursor;
  readonly at: (key: string) => void;
  /** Slots changed since the last freeze. */
  readonly changes: () => number;
}

function workbench(declarations: StateDeclarations): Workbench {
  const store = new KeyedStore<Cells>({
    spec: cellsSpec(declarations),
    maxParallelism: 128,
    durable: true,
  });
  const cursor = new SlotCursor(store, { isGuarded: false });
  return {
    store,
    cursor,
    at: (key) => void (cursor.slot = store.slot(key)),
    changes() {
      const count = [...store.freeze(() => undefined).values()].flat().length;
      store.thaw();
      return count;
    },
  };
}

function oneValue<T>(
  declaration: ReturnType<typeof valueState<T>>,
): Workbench & { value: ValueState<T> } {
  const bench = workbench({ it: declaration });
  return { ...bench, value: declaration.handle(bench.cursor, 0) as ValueState<T> };
}

function oneMap(): Workbench & { map: MapState<string | number | bigint | boolean, number> } {
  const declaration = mapState<string | number | bigint | boolean, number>();
  const bench = workbench({ it: declaration });
  return { ...bench, map: declaration.handle(bench.cursor, 0) };
}
