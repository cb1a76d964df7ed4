/** Checksums: the published numbers, native or by table. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { crc32, crc32ByTable } from './checksum.js';

test('the published check value of CRC-32 comes out', () => {
  const digits = new TextEncoder().encode('123456789');
  expect(crc32(digits)).toBe(0xcbf43926);
  expect(crc32ByTable(digits)).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});

check(
  'the table and Node agree, also on a part of larger memory',
  fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 20 }), (bytes, skipped) => {
    const part = bytes.subarray(Math.min(skipped, bytes.length));
    expect(crc32ByTable(part)).toBe(crc32(part));
  }),
);

check(
  'one turned bit always changes the checksum',
  fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat({ max: 7 }), (bytes, at, bit) => {
    const turned = bytes.slice();
    turned[at % bytes.length] = (turned[at % bytes.length] ?? 0) ^ (1 << bit);
    expect(crc32(turned)).not.toBe(crc32(bytes));
  }),
);
