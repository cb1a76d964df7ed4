import { describe, expect, test } from 'vitest';
import type { Key } from '../core/key.js';
import { encodeKey } from './key-codec.js';
import { compareKeys, sameKey } from './key-order.js';

const keys: readonly Key[] = [
  false,
  true,
  -Infinity,
  -1.5,
  -0,
  0,
  1e-300,
  9,
  10,
  Infinity,
  NaN,
  -(2n ** 70n),
  -1n,
  0n,
  10n,
  2n ** 70n,
  '',
  '\0',
  '10',
  '9',
  'a',
  'a\0b',
  'ab',
  'ä',
  '😀',
  '__proto__',
  [],
  [1],
  [1, 2],
  ['1'],
  {},
  { a: 1 },
  { a: 1, b: 2 },
  { b: 1 },
];

describe('compareKeys', () => {
  test('is the order of the encodings', () => {
    for (const a of keys)
      for (const b of keys)
        expect(Math.sign(compareKeys(a, b)), `${String(a)} and ${String(b)}`).toBe(
          Math.sign(Buffer.compare(encodeKey(a), encodeKey(b))),
        );
  });

  test('numbers go by value, -0 is 0', () => {
    expect(compareKeys(9, 10)).toBeLessThan(0);
    expect(compareKeys(-0, 0)).toBe(0);
    expect(compareKeys(3, 3)).toBe(0);
  });

  test('text goes letter by letter, so that "10" is before "9"', () => {
    expect(compareKeys('10', '9')).toBeLessThan(0);
  });

  test('sorting does not depend on where one begins', () => {
    const once = keys.toSorted(compareKeys);
    const again = keys.toReversed().toSorted(compareKeys);
    expect(again.map((key) => encodeKey(key).join())).toEqual(
      once.map((key) => encodeKey(key).join()),
    );
  });
});

describe('sameKey', () => {
  test('holds for equal values only', () => {
    expect(sameKey([1, 'a'], [1, 'a'])).toBe(true);
    expect(sameKey({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(sameKey(-0, 0)).toBe(true);
    expect(sameKey(NaN, NaN)).toBe(true);
    expect(sameKey(10, '10')).toBe(false);
    expect(sameKey(10, 10n)).toBe(false);
    expect(sameKey([1], ['1'])).toBe(false);
    expect(sameKey([], {})).toBe(false);
  });

  test('agrees with compareKeys', () => {
    for (const a of keys) for (const b of keys) expect(sameKey(a, b)).toBe(compareKeys(a, b) === 0);
  });
});
