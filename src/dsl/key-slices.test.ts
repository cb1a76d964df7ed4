import { describe, expect, test } from 'vitest';
import { decodeValue, encodeValue } from '../state/value-codec.js';
import { TimeOrigin } from '../time/time-origin.js';
import { KeySlices, keySlicesSpec } from './key-slices.js';

describe('the slices of a key', () => {
  test('are none at first', () => {
    const live = new KeySlices();
    expect([live.isEmpty, live.isSingle, live.size, live.oldest]).toEqual([true, false, 0, NaN]);
    expect(live.find(5)).toBe(-1);
  });

  test('opened one behind the other stand from the oldest on', () => {
    const live = opened([0, 'a'], [10, 'b'], [30, 'c']);
    expect(all(live)).toEqual(['0 a', '10 b', '30 c']);
    expect([live.start, live.accumulator, live.oldest]).toEqual([30, 'c', 0]);
    expect([live.isEmpty, live.isSingle]).toEqual([false, false]);
  });

  test('that are older are found, or have a place where they belong', () => {
    const live = opened([0, 'a'], [10, 'b'], [20, 'c'], [30, 'd']);
    expect([0, 10, 20].map((start) => live.find(start))).toEqual([0, 1, 2]);
    expect([-5, 5, 15, 25].map((start) => live.find(start))).toEqual([-1, -2, -3, -4]);
    expect([live.at(0), live.at(2), live.at(3)]).toEqual(['a', 'c', undefined]);
  });

  test('put where they belong stay in order', () => {
    const live = opened([10, 'b'], [40, 'e']);
    for (const [start, value] of [
      [30, 'd'],
      [0, 'a'],
      [20, 'c'],
    ] as const)
      live.put(live.find(start), start, value);
    expect(all(live)).toEqual(['0 a', '10 b', '20 c', '30 d', '40 e']);
    live.put(live.find(20), 20, 'C');
    expect(all(live)).toEqual(['0 a', '10 b', '20 C', '30 d', '40 e']);
  });

  test('put beside the only one make it the newest of two', () => {
    const live = opened([10, 'b']);
    live.put(live.find(0), 0, 'a');
    expect([all(live), live.isSingle, live.oldest]).toEqual([['0 a', '10 b'], false, 0]);
  });

  test('go from the oldest on, the newest last', () => {
    const live = opened([0, 'a'], [10, 'b'], [20, 'c']);
    expect([live.shift(), all(live), live.oldest]).toEqual(['a', ['10 b', '20 c'], 10]);
    expect([live.shift(), live.isSingle]).toEqual(['b', true]);
    expect([live.shift(), live.isEmpty, live.size]).toEqual(['c', true, 0]);
    expect(live.shift()).toBeUndefined();
  });

  test('can begin again once all have gone, and then do not linger any more', () => {
    const live = opened([0, 'a']);
    live.shift();
    live.lingers = true;
    live.open(50, 'z');
    expect([all(live), live.lingers, live.isSingle]).toEqual([['50 z'], false, true]);
  });

  test('cleared are none, and keep no total', () => {
    const live = opened([10, 'b']);
    live.keepTotal(3);
    live.clear();
    expect([live.isEmpty, live.start, live.accumulator, live.hasTotal]).toEqual([
      true,
      NaN,
      undefined,
      false,
    ]);
    live.open(0, 'a');
    expect(all(live)).toEqual(['0 a']);
  });

  test('stay what they are when their times are counted from elsewhere', () => {
    const live = opened([1_436_918_400_000, 'a'], [1_436_918_410_000, 'b']);
    const origin = new TimeOrigin();
    origin.settle(1_436_918_400_000);
    live.countFrom(origin);
    expect([all(live), live.from]).toEqual([['1436918400000 a', '1436918410000 b'], 10_000]);
  });

  test('may hold undefined', () => {
    const live = opened([0, undefined], [10, 1]);
    expect([live.size, live.accumulatorAt(0), live.accumulatorAt(1)]).toEqual([2, undefined, 1]);
  });

  test('keep a total that is there or not, whatever it is', () => {
    const live = new KeySlices();
    expect(live.hasTotal).toBe(false);
    live.keepTotal(undefined);
    expect([live.hasTotal, live.total]).toEqual([true, undefined]);
    live.keepTotal(5);
    expect(live.total).toBe(5);
    live.forgetTotal();
    expect([live.hasTotal, live.total]).toEqual([false, undefined]);
  });
});

describe('the stored form', () => {
  const spec = keySlicesSpec();

  test.each([
    [[]],
    [[[5, { n: 1 }]]],
    [
      [
        [-10, 'a'],
        [0, undefined],
        [10, [1, 2]],
      ],
    ],
  ] as const)('gives %j back', (pairs) => {
    const live = opened(...(pairs as readonly (readonly [number, unknown])[]));
    const back = spec.unpack(decodeValue(encodeValue(spec.pack(live))));
    expect(back).toBeInstanceOf(KeySlices);
    expect(pairsOf(back)).toEqual(pairs);
  });

  test('holds no total and no time to wake at', () => {
    const live = opened([0, 1], [10, 2]);
    live.keepTotal(3);
    live.waits = true;
    live.wake = 19;
    live.lingers = true;
    const back = spec.unpack(spec.pack(live));
    expect([back.hasTotal, back.waits, back.lingers]).toEqual([false, false, false]);
  });

  test('of a key without slices is nothing worth keeping', () => {
    const live = spec.create();
    expect(spec.isEmpty(live)).toBe(true);
    live.open(-Infinity, 0);
    expect(spec.isEmpty(live)).toBe(false);
  });
});

test('they are what a sorted list is, whatever is done to them', () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    let state = seed * 7919;
    const random = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const live = new KeySlices();
    const list: [number, unknown][] = [];
    for (let move = 0; move < 60; move += 1) {
      const start = random(12) * 10;
      const newest = list.at(-1)?.[0] ?? -Infinity;
      if (random(4) === 0) {
        expect(live.shift()).toEqual(list.shift()?.[1]);
      } else if (start > newest) {
        live.open(start, move);
        list.push([start, move]);
      } else if (start < newest) {
        const at = list.findIndex(([known]) => known === start);
        live.put(live.find(start), start, move);
        if (at >= 0) list.splice(at, 1);
        list.push([start, move]);
        list.sort(([a], [b]) => a - b);
      }
      expect(pairsOf(live), `seed ${seed}`).toEqual(list);
    }
  }
});

function opened(...pairs: readonly (readonly [number, unknown])[]): KeySlices {
  const live = new KeySlices();
  for (const [start, accumulator] of pairs) live.open(start, accumulator);
  return live;
}

function pairsOf(live: KeySlices): [number, unknown][] {
  return Array.from({ length: live.size }, (_, index) => [
    live.startAt(index),
    live.accumulatorAt(index),
  ]);
}

function all(live: KeySlices): string[] {
  return pairsOf(live).map((pair) => pair.join(' '));
}
