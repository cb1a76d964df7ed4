import { describe, expect, test } from 'vitest';
import { areEmpty, cellAt, cellsSpec, putCell, SlotCursor } from './handles.js';
import type { Cells, StateDeclaration, StateDeclarations } from './handles.js';
import { listState } from './handles-list.js';
import { mapState, type MapState } from './handles-map.js';
import { valueState, type ValueState } from './handles-value.js';
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

  test('the last entry that is deleted leaves nothing behind', () => {
    const { map, at, cursor } = oneMap();
    at('a');
    expect(map.isEmpty()).toBe(true);
    map.set('x', 1);
    expect([map.isEmpty(), areEmpty(cursor.cells)]).toEqual([false, false]);
    map.delete('x');
    expect([map.isEmpty(), areEmpty(cursor.cells)]).toEqual([true, true]);
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
  const through = (packed: unknown): unknown => decodeValue(encodeValue(packed));

  test('is empty until a state holds something', () => {
    const cells = spec.create();
    expect(spec.isEmpty(cells)).toBe(true);
    putCell(cells, 1, new Map([['x', 1]]));
    expect(spec.isEmpty(cells)).toBe(false);
  });

  test.each([0, 1, 2, 3, 4, 5, 9])(
    '%i states are told apart, and each is enough to stay',
    (count) => {
      const declarations = Array.from({ length: count }, (_, index) => [
        `s${index}`,
        valueState(0),
      ]);
      const many = cellsSpec(Object.fromEntries(declarations) as StateDeclarations);
      expect(many.isEmpty(many.create())).toBe(true);
      for (let index = 0; index < count; index += 1) {
        const cells = many.create();
        putCell(cells, index, index);
        const back = many.unpack(through(many.pack(cells)));
        for (const one of [cells, back]) {
          expect([one, many.isEmpty(one), cellAt(one, index)]).toEqual([cells, false, index]);
          for (let other = 0; other < count; other += 1)
            if (other !== index) expect(cellAt(one, other)).toBeUndefined();
        }
        putCell(cells, index, undefined);
        expect(many.isEmpty(cells)).toBe(true);
        expect(many.isEmpty(many.create())).toBe(true);
      }
    },
  );

  test('null, 0 and false are something', () => {
    for (const value of [null, 0, false, '']) expect(areEmpty(cellsOf(value))).toBe(false);
  });

  test('what is packed comes back through the codec', () => {
    const cells = cellsOf(5, new Map([['x', 1]]));
    expect(spec.unpack(through(spec.pack(cells)))).toMatchObject(cells);
  });

  test('states are found by name: order may change, states may come and go', () => {
    const packed = spec.pack(cellsOf(5, new Map([['x', 1]])));
    const later = cellsSpec({ added: valueState<string>(), count: valueState(0) });
    expect(later.unpack(packed)).toMatchObject(cellsOf(undefined, 5));
  });

  test('an empty map of an earlier run is nothing', () => {
    expect(areEmpty(spec.unpack(new Map([['seen', new Map()]])))).toBe(true);
  });

  test('a state may be called __proto__ or constructor', () => {
    const names = Object.fromEntries([
      ['__proto__', valueState(0)],
      ['constructor', valueState(0)],
    ]);
    const odd = cellsSpec(names);
    expect(odd.unpack(odd.pack(cellsOf(1, 2)))).toMatchObject(cellsOf(1, 2));
  });

  test('an operator without states is always empty', () => {
    const none = cellsSpec({});
    expect(none.isEmpty(none.create())).toBe(true);
  });

  test.each([
    ['a list', cellsSpec({ count: listState<number>() })],
    ['a map', cellsSpec({ count: mapState<string, number>() })],
    ['a list', cellsSpec({ count: listState<number>({ ttl: { after: 5 } }) })],
    ['a map', cellsSpec({ count: mapState<string, number>({ ttl: { after: 5 } }) })],
  ])('a value that has become %s is refused', (_kind, changed) => {
    expect(() => changed.unpack(through(spec.pack(cellsOf(5))))).toThrow(/STATE_INCOMPATIBLE/);
  });
});

function cellsOf(c0: unknown, c1?: unknown): Cells {
  return { c0, c1 };
}

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
  const cursor = new SlotCursor(store, { isGuarded: false, watermark: () => 0, now: () => 0 });
  return {
    store,
    cursor,
    at: (key) => cursor.point(store.slot(key), NaN),
    changes() {
      const count = [...store.freeze(() => undefined).values()].flat().length;
      store.thaw();
      return count;
    },
  };
}

function oneValue<T>(
  declaration: StateDeclaration<ValueState<T>>,
): Workbench & { value: ValueState<T> } {
  const bench = workbench({ it: declaration });
  return { ...bench, value: declaration.handle(bench.cursor, 0) };
}

function oneMap(): Workbench & { map: MapState<string | number | bigint | boolean, number> } {
  const declaration = mapState<string | number | bigint | boolean, number>();
  const bench = workbench({ it: declaration });
  return { ...bench, map: declaration.handle(bench.cursor, 0) };
}
