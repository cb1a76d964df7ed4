/** MurmurHash3: the published numbers come out, so any other implementation deals keys alike. */
import { describe, expect, test } from 'vitest';
import { finish, mixBlock, murmur3 } from './murmur3.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const hex = (value: string): Uint8Array =>
  Uint8Array.from(value.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

/** Vectors that circulate with the reference implementation: input, seed, hash. */
const published: readonly (readonly [Uint8Array, number, number])[] = [
  [text(''), 0, 0],
  [text(''), 1, 0x514e28b7],
  [text(''), 0xffffffff, 0x81f16f39],
  [hex('ffffffff'), 0, 0x76293b50],
  [hex('21436587'), 0, 0xf55b516b],
  [hex('21436587'), 0x5082edee, 0x2362f9de],
  [hex('214365'), 0, 0x7e4a8634],
  [hex('2143'), 0, 0xa0f7b07a],
  [hex('21'), 0, 0x72661cf4],
  [hex('00000000'), 0, 0x2362f9de],
  [hex('000000'), 0, 0x85f0b427],
  [hex('0000'), 0, 0x30f4c306],
  [hex('00'), 0, 0x514e28b7],
  [text('test'), 0, 0xba6bd213],
  [text('test'), 0x9747b28c, 0x704b81dc],
  [text('Hello, world!'), 0, 0xc0363e43],
  [text('Hello, world!'), 0x9747b28c, 0x24884cba],
  [text('The quick brown fox jumps over the lazy dog'), 0, 0x2e4ff723],
  [text('The quick brown fox jumps over the lazy dog'), 0x9747b28c, 0x2fa826cd],
];

describe('murmur3', () => {
  test.each(published)('the published vector of %j with seed %i comes out', (bytes, seed, hash) => {
    expect(murmur3(bytes, seed)).toBe(hash);
  });

  test('the verification value of SMHasher comes out', () => {
    const keys = Uint8Array.from({ length: 255 }, (_, index) => index);
    const hashes = new DataView(new ArrayBuffer(1024));
    for (let length = 0; length < 256; length++)
      hashes.setUint32(length * 4, murmur3(keys.subarray(0, length), 256 - length), true);
    expect(murmur3(new Uint8Array(hashes.buffer))).toBe(0xb0f57ee3);
  });

  test('blocks mixed by hand give the same hash as bytes in memory', () => {
    const mixed = finish(mixBlock(mixBlock(0, 0x04030201), 0x08070605), 0x0a09, 10);
    expect(mixed).toBe(murmur3(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)));
  });
});
