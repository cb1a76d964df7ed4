import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { murmur3 } from '../core/murmur3.js';
import { compositeKeyText, encodeKey } from '../state/key-codec.js';
import { hashValue } from './sketch-hash.js';

describe('the hash of a value for sketches', () => {
  test.each([
    ['', 2063879272, 3096159671],
    ['a', 1641149566, 1308695343],
    ['abc', 4145622769, 1925284930],
    ['é😀', 2608609594, 25095495],
    [0, 2438826507, 3102043802],
    [-1.5, 3194016280, 43973653],
    [1e300, 963796738, 2635102297],
  ])('of %j is frozen, since it is stored', (value, first, second) => {
    expect(hashValue(value, false, 0x5851f42d)).toBe(first);
    expect(hashValue(value, false, 0x14057b7e)).toBe(second);
  });

  test('of a composite is frozen', () => {
    expect(hashValue(compositeKeyText([1, 'x']), true, 0x5851f42d)).toBe(1666570074);
  });

  check(
    'is murmur3 of the kind and the text in UTF-16',
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.boolean(),
      (text, seed, encoded) => {
        const words = Uint8Array.of(encoded ? 3 : 1, 0, 0, 0);
        const bytes = Buffer.concat([words, Buffer.from(text, 'utf16le')]);
        expect(hashValue(text, encoded, seed)).toBe(murmur3(bytes, seed));
      },
    ),
  );

  check(
    'is murmur3 of the kind and the sortable bits of a number',
    fc.property(fc.double(), fc.integer(), (number, seed) => {
      const bytes = Buffer.concat([Uint8Array.of(2, 0, 0, 0), encodeKey(number).subarray(1)]);
      expect(hashValue(number, false, seed)).toBe(murmur3(bytes, seed));
    }),
  );

  test('takes -0 for 0 and keeps texts, numbers and encodings apart', () => {
    expect(hashValue(-0, false, 1)).toBe(hashValue(0, false, 1));
    const hashes = [hashValue('1', false, 1), hashValue(1, false, 1), hashValue('1', true, 1)];
    expect(new Set(hashes).size).toBe(3);
  });

  test('under two seeds tells values apart that one seed takes for the same', () => {
    const first = new Map<number, number>();
    let meetings = 0;
    for (let value = 0; value < 300_000; value += 1) {
      const text = `user-${value}`;
      const hash = hashValue(text, false, 1);
      const other = first.get(hash);
      first.set(hash, value);
      if (other === undefined) continue;
      meetings += 1;
      expect(hashValue(text, false, 2)).not.toBe(hashValue(`user-${other}`, false, 2));
    }
    expect(meetings).toBeGreaterThan(0);
  });
});
