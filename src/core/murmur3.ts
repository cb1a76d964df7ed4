/**
 * MurmurHash3 (x86, 32 bits): the hash that deals keys to key groups. It is part of the stored format.
 *
 * It is mixed block by block, so that a caller who knows its bytes without having them in memory can hash them all
 * the same; `murmur3` is the whole of it.
 */

/** The hash of some bytes, as a whole number from 0 to 2^32 - 1. */
export function murmur3(bytes: Uint8Array, seed = 0): number {
  const { length } = bytes;
  const tailStart = length & ~3;
  let hash = seed | 0;
  for (let at = 0; at < tailStart; at += 4) hash = mixBlock(hash, littleEndian(bytes, at));
  return finish(hash, littleEndian(bytes, tailStart), length);
}

/** Mixes four bytes, the first of them lowest, into a hash. */
export function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ scramble(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Mixes the last zero to three bytes and the length in bytes, and stirs until every bit depends on every other. */
export function finish(hash: number, tail: number, length: number): number {
  let mixed = hash ^ scramble(tail) ^ length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

/** Up to four bytes as one word; bytes beyond the end count as zero. */
function littleEndian(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}
