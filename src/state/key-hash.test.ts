/** The hash of keys: shortcuts change nothing, and no release may deal a key to another group. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { keyGroupOf } from '../core/key-group.js';
import type { Key } from '../core/key.js';
import { murmur3 } from '../core/murmur3.js';
import { encodeKey } from './key-codec.js';
import { hashKey } from './key-hash.js';

/** JSON has neither bigints nor all numbers, so these stand as text beside the name of their type. */
interface Golden {
  readonly type: 'number' | 'bigint' | 'plain';
  readonly key: Key;
  readonly bytes: string;
  readonly hash: number;
}

const golden = JSON.parse(
  readFileSync(new URL('key-hash.golden.json', import.meta.url), 'utf8'),
) as readonly Golden[];

function keyOf({ type, key }: Golden): Key {
  if (type === 'bigint') return BigInt(key as string);
  return type === 'number' ? Number(key) : key;
}

describe('hash', () => {
  check(
    'the shortcuts give the hash of the encoded key',
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary-ascii', maxLength: 40 }),
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.double(),
        fc.integer(),
        fc.constantFrom(-0, NaN, Infinity, -Infinity),
        fc.bigInt(),
        fc.boolean(),
        fc.array(fc.string(), { maxLength: 3 }),
        fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
      ),
      (key: Key) => {
        expect(hashKey(key)).toBe(murmur3(encodeKey(key)));
      },
    ),
    { runs: 5000 },
  );

  test('strings of every length around a block take the shortcut rightly', () => {
    for (let length = 0; length < 20; length++)
      for (const character of ['a', '\0', '\u0001', '\u007f', '\u0080', '\ud800'])
        for (let at = 0; at < length; at++) {
          const key = 'x'.repeat(at) + character + 'y'.repeat(length - at - 1);
          expect(hashKey(key)).toBe(murmur3(encodeKey(key)));
        }
  });

  test('what is no key is refused, and the step is named', () => {
    expect(() => hashKey(null as unknown as Key, 'keyBy "x"')).toThrow(/KEY_INVALID.*keyBy "x"/);
  });

  test('keys that count up spread evenly over the groups', () => {
    for (const keyOfNumber of [(n: number): Key => n, (n: number): Key => `user-${n}`]) {
      const counts = new Map<number, number>();
      for (let n = 0; n < 128_000; n++) {
        const group = keyGroupOf(hashKey(keyOfNumber(n)), 128);
        counts.set(group, (counts.get(group) ?? 0) + 1);
      }
      expect(counts.size).toBe(128);
      expect(Math.min(...counts.values())).toBeGreaterThan(850);
      expect(Math.max(...counts.values())).toBeLessThan(1150);
    }
  });
});

describe('golden vectors', () => {
  test('there are twenty or more', () => {
    expect(golden.length).toBeGreaterThanOrEqual(20);
  });

  test.each(golden)('the bytes and the hash of $type $key are what they always were', (vector) => {
    const key = keyOf(vector);
    expect(Buffer.from(encodeKey(key)).toString('hex')).toBe(vector.bytes);
    expect(hashKey(key)).toBe(vector.hash);
  });
});
