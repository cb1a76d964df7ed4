/** The checksum against the values of the RFC, and against the definition, bit by bit. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from './crc32c.js';

test('the check value of the catalogue is met', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
});

test('the vectors of RFC 3720 are met', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(ascending.toReversed())).toBe(0x113fdb5c);
});

test('no bytes have the checksum 0', () => {
  expect(crc32c(new Uint8Array())).toBe(0);
});

test('any stretch of any buffer has the checksum of the definition', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(bytes, fc.nat(40), fc.nat(40), fc.nat(7), (content, skip, drop, shift) => {
      // The buffer itself begins anywhere, as a slice of a socket's pool does.
      const shifted = new Uint8Array(new ArrayBuffer(content.length + 8), shift, content.length);
      shifted.set(content);
      const start = Math.min(skip, content.length);
      const end = Math.max(start, content.length - drop);
      expect(crc32c(shifted, start, end)).toBe(byDefinition(content.subarray(start, end)));
    }),
  );
});

function byDefinition(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
