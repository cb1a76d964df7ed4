import { describe, expect, test } from 'vitest';
import { evictors, type Evictor, type WindowElement } from './evictors.js';

describe('count', () => {
  test('keeps the newest so many, in order', () => {
    expect(kept(evictors.count(2), [1, 2, 3, 4])).toEqual([3, 4]);
  });

  test('keeps all where there are no more than that', () => {
    expect(kept(evictors.count(3), [1, 2, 3])).toEqual([1, 2, 3]);
    expect(kept(evictors.count(3), [1])).toEqual([1]);
  });

  test('goes by arrival, not by time', () => {
    expect(kept(evictors.count(1), [9, 3])).toEqual([3]);
  });

  test.each([0, -1, 2.5, NaN, Infinity, '3', undefined])('%s is no number of elements', (max) => {
    expect(() => evictors.count(max as number)).toThrow(
      /OPTIONS_INVALID.*a whole number > 0.*evictors\.count/,
    );
  });
});

describe('time', () => {
  test('throws out what is at least so much older than the newest timestamp', () => {
    expect(kept(evictors.time(10), [0, 5, 10, 15])).toEqual([10, 15]);
    expect(kept(evictors.time(10), [6, 15])).toEqual([6, 15]);
  });

  test('goes by the newest timestamp, wherever it stands', () => {
    expect(kept(evictors.time('10ms'), [20, 9, 11, 10])).toEqual([20, 11]);
  });

  test('a span of 0 throws out all, the newest too', () => {
    expect(kept(evictors.time(0), [1, 2])).toEqual([]);
  });

  test('lies on either side of 1970 alike', () => {
    expect(kept(evictors.time(10), [-15, -10, -5, -1])).toEqual([-10, -5, -1]);
  });

  test('keeps all elements where they have no timestamps', () => {
    const elements = [at('a', NaN), at('b', NaN)];
    expect(evictors.time(1).keep(elements)).toEqual(elements);
  });

  test('does not guess where some have a timestamp and some have none', () => {
    expect(() => evictors.time(1).keep([at('a', 5), at('b', NaN)])).toThrow(
      /OPTIONS_INVALID.*all have a timestamp, or none.*evictors\.time/,
    );
  });

  test('copes with more elements than a call takes arguments', () => {
    const many = Array.from({ length: 200_000 }, (_, index) => index);
    expect(kept(evictors.time(2), many)).toEqual([199_998, 199_999]);
  });

  test.each([-1, '1 minute', NaN, Infinity, undefined])('%s is no span', (span) => {
    expect(() => evictors.time(span as never)).toThrow(/DURATION_INVALID.*evictors\.time/);
  });
});

describe('delta', () => {
  const near = evictors.delta<number>({
    threshold: 3,
    delta: (element, newest) => newest - element,
  });

  test('throws out what is at least so far from the element that came last', () => {
    expect(kept(near, [1, 5, 2, 3, 4])).toEqual([5, 2, 3, 4]);
    expect(kept(near, [1, 2, 3, 4, 5])).toEqual([3, 4, 5]);
  });

  test('measures the last element too, so a threshold of 0 throws out all', () => {
    const none = evictors.delta<number>({ threshold: 0, delta: (a, b) => Math.abs(b - a) });
    expect(kept(none, [1, 1])).toEqual([]);
  });

  test('hears of the element first and of the newest second', () => {
    const pairs: unknown[] = [];
    const asked = evictors.delta<number>({
      threshold: 1,
      delta(element, newest) {
        pairs.push([element, newest]);
        return 0;
      },
    });
    kept(asked, [1, 2]);
    expect(pairs).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  test('a distance that is not a number is not near', () => {
    const unknown = evictors.delta<number>({ threshold: Infinity, delta: () => NaN });
    expect(kept(unknown, [1, 2])).toEqual([]);
  });

  test.each([NaN, '3', undefined])('refuses %s as a threshold', (threshold) => {
    expect(() => evictors.delta({ threshold, delta: rise } as never)).toThrow(
      /OPTIONS_INVALID.*a threshold and a function.*evictors\.delta/,
    );
  });

  test.each([undefined, 3])('refuses %s as a distance', (delta) => {
    expect(() => evictors.delta({ threshold: 1, delta } as never)).toThrow(
      /OPTIONS_INVALID.*a function delta\(element, newest\).*evictors\.delta/,
    );
  });
});

const rise = (before: number, now: number): number => now - before;

const makers: readonly (readonly [string, (options?: { after?: boolean }) => Evictor<number>])[] = [
  ['count 2', (options) => evictors.count(2, options)],
  ['time 1000', (options) => evictors.time('1s', options)],
  ['delta 5', (options) => evictors.delta({ threshold: 5, delta: (a, b) => b - a, ...options })],
];

describe.each(makers)('%s', (name, make) => {
  test('has a name, by which another evictor is noticed at a restart', () => {
    expect(make().name).toBe(name);
  });

  test('stands before the function of the window, unless it is told to stand behind', () => {
    expect([make(), make({ after: false }), make({ after: true })].map(({ when }) => when)).toEqual(
      ['before', 'before', 'after'],
    );
  });

  test('does not change what it is given', () => {
    const elements = Object.freeze([0, 500, 2_000].map((n) => Object.freeze(at(n, n))));
    expect(make().keep(elements).length).toBeLessThan(3);
    expect(elements.map(({ value }) => value)).toEqual([0, 500, 2_000]);
  });

  test('has nothing against an empty window', () => {
    expect(make().keep([])).toEqual([]);
  });
});

/** What an evictor keeps of elements whose value is their timestamp. */
function kept(evictor: Evictor<number>, values: readonly number[]): number[] {
  return evictor.keep(values.map((value) => at(value, value))).map(({ value }) => value);
}

function at<T>(value: T, timestamp: number): WindowElement<T> {
  return { value, timestamp };
}
