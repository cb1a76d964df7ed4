/**
 * The hash that sketches of distinct values use: murmur3 under a seed of choice, over a value without its encoding.
 *
 * It is part of the stored format: two releases that hashed a value differently would count it twice. What is hashed
 * is one word for the kind, then the text in UTF-16, the eight bytes of the number as they sort, or the encoding of
 * any other key with each byte as one character of text. The hash of keys (`key-hash.ts`) has one seed only; two
 * hashes of 32 bits under two seeds are needed here, because among 100,000 values two share one already.
 */
import { finish, mixBlock } from '../core/murmur3.js';
import { sortableBits } from '../state/key-codec.js';

/** The kinds of values, so that no text is counted as a number. */
const kinds = { text: 1, number: 2, encoded: 3 };

/**
 * From 0 to 2^32 - 1. `-0` is `0`, and every NaN is the same. `isEncoded` says that the text is that of
 * `compositeKeyText`, not a value of its own.
 */
export function hashValue(value: string | number, isEncoded: boolean, seed: number): number {
  if (typeof value === 'string')
    return hashUnits(value, mixBlock(seed, isEncoded ? kinds.encoded : kinds.text));
  const bits = sortableBits(value);
  const high = bits.getUint32(0, true);
  const low = bits.getUint32(4, true);
  return finish(mixBlock(mixBlock(mixBlock(seed, kinds.number), high), low), 0, 12);
}

function hashUnits(text: string, start: number): number {
  const { length } = text;
  const even = length & ~1;
  let hash = start;
  for (let index = 0; index < even; index += 2)
    hash = mixBlock(hash, text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16));
  return finish(hash, even < length ? text.charCodeAt(even) : 0, 4 + 2 * length);
}
