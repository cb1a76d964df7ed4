import { describe, expect, test } from 'vitest';
import { sum } from '../dsl/aggregators.js';
import { cellsSpec, SlotCursor, type Cells, type StateDeclaration } from './handles.js';
import { aggregatingState, reducingState } from './handles-fold.js';
import { KeyedStore } from './slots.js';
import type { TtlOptions } from './ttl.js';
import { decodeValue, encodeValue } from './value-codec.js';

const ttl: TtlOptions = { after: 10, time: 'processing' };
const listed = {
  create: (): number[] => [],
  add(all: number[], value: number) {
    all.push(value);
    return all;
  },
  result: (all: number[]) => all.join('+'),
};

describe.each([
  ['without a TTL', undefined],
  ['with a TTL', { ttl }],
])('%s', (_name, options) => {
  test('a reducing state folds what is added, for each key by itself', () => {
    const { handle: total, at } = bench(reducingState<number>((a, b) => a + b, options));
    at('a');
    expect(total.get()).toBeUndefined();
    total.add(5);
    expect(total.get()).toBe(5);
    at('b');
    total.add(100);
    at('a');
    total.add(7);
    expect(total.get()).toBe(12);
    total.clear();
    expect(total.get()).toBeUndefined();
  });

  test.each([0, '', false, null])('%s is a value to fold, not an absence', (given) => {
    const { handle, at } = bench(reducingState<unknown>((a, b) => [a, b], options));
    at('a');
    handle.add(given);
    handle.add('next');
    expect(handle.get()).toEqual([given, 'next']);
  });

  test('a reducer that gives undefined is refused, and so is adding undefined', () => {
    const lost = bench(reducingState<number>(() => undefined as never, options));
    lost.at('a');
    lost.handle.add(1);
    expect(() => lost.handle.add(2)).toThrow(/USER_FUNCTION_FAILED.*reducingState/);
    expect(() =>
      bench(reducingState(() => 1, options))
        .from('a')
        .add(undefined as never),
    ).toThrow(/USER_FUNCTION_FAILED/);
  });

  test('an aggregating state gives the result, and may change its accumulator in place', () => {
    const { handle, at } = bench(aggregatingState(listed, options));
    at('a');
    expect(handle.get()).toBeUndefined();
    handle.add(1);
    at('b');
    handle.add(9);
    at('a');
    handle.add(2);
    expect(handle.get()).toBe('1+2');
    handle.clear();
    expect(handle.get()).toBeUndefined();
  });

  test('an accumulator of null is one', () => {
    const counted: (number | null)[] = [];
    const aggregator = {
      create: () => null,
      add(accumulator: number | null, value: number) {
        counted.push(accumulator);
        return value > 5 ? value : null;
      },
      result: (accumulator: number | null) => accumulator ?? 'none',
    };
    const { handle, at } = bench(aggregatingState(aggregator, options));
    at('a');
    handle.add(1);
    expect(handle.get()).toBe('none');
    handle.add(6);
    handle.add(7);
    expect(counted).toEqual([null, null, 6]);
  });

  test('the aggregators of windows will do', () => {
    const { handle, at } = bench(
      aggregatingState(
        sum((n: number) => n),
        options,
      ),
    );
    at('a');
    handle.add(3);
    handle.add(4);
    expect(handle.get()).toBe(7);
  });

  test('an epoch is frozen as it was at the barrier, also where the accumulator is changed in place', () => {
    const { handle, at, store, packed } = bench(aggregatingState(listed, options));
    at('a');
    handle.add(1);
    const before = packed();
    const saved: unknown[] = [];
    store.freeze((slot) => saved.push(decodeValue(encodeValue(store.spec.pack(slot.live)))));
    handle.add(2);
    expect(saved).toEqual([before]);
    expect(handle.get()).toBe('1+2');
  });

  test('in tests what is given out or reduced is frozen', () => {
    const { handle, at } = bench(
      reducingState<number[]>((a, b) => {
        a.push(...b);
        return a;
      }, options),
      { isGuarded: true },
    );
    at('a');
    handle.add([1]);
    expect(() => handle.get()?.push(2)).toThrow(TypeError);
    expect(() => handle.add([2])).toThrow(TypeError);
  });

  test('what is packed comes back through the codec', () => {
    const { handle, at, store, packed } = bench(aggregatingState(listed, options));
    at('a');
    handle.add(1);
    store.restore('b', store.spec.unpack(packed()));
    at('b');
    handle.add(5);
    expect(handle.get()).toBe('1+5');
    at('a');
    expect(handle.get()).toBe('1');
  });

  test('reading and clearing what is empty is no change', () => {
    const { handle, at, changes } = bench(aggregatingState(listed, options));
    at('a');
    handle.get();
    handle.clear();
    expect(changes()).toBe(0);
  });
});

describe('declarations', () => {
  test('without functions are refused', () => {
    expect(() => reducingState(5 as never)).toThrow(/OPTIONS_INVALID.*a function.*reducingState/);
    expect(() => aggregatingState({ ...listed, result: 'x' } as never)).toThrow(
      /OPTIONS_INVALID.*result of aggregatingState/,
    );
    expect(() => aggregatingState(undefined as never)).toThrow(/OPTIONS_INVALID/);
  });

  test('with an async function are refused before anything runs', () => {
    expect(() => reducingState((async () => 1) as never)).toThrow(/USER_FUNCTION_ASYNC/);
    expect(() => aggregatingState({ ...listed, add: (async () => 1) as never })).toThrow(
      /USER_FUNCTION_ASYNC.*add of aggregatingState/,
    );
  });
});

function bench<Handle>(declaration: StateDeclaration<Handle>, { isGuarded = false } = {}) {
  const spec = cellsSpec({ it: declaration });
  const store = new KeyedStore<Cells>({ spec, maxParallelism: 128, durable: true });
  const cursor = new SlotCursor(store, { isGuarded, watermark: () => 0, now: () => 0 });
  const handle = declaration.handle(cursor, 0);
  const at = (key: string): void => cursor.point(store.slot(key), NaN);
  return {
    store,
    handle,
    at,
    from(key: string) {
      at(key);
      return handle;
    },
    packed: () => decodeValue(encodeValue(spec.pack(cursor.cells))),
    changes() {
      const count = [...store.freeze(() => undefined).values()].flat().length;
      store.thaw();
      return count;
    },
  };
}
