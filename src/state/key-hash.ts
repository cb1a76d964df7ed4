/**
 * The hash of a key: murmur3 over its encoding, so that equal keys meet in one group on every machine and release.
 *
 * Short strings and numbers, which are nearly all keys, are hashed without being encoded first. The shortcut knows
 * the encoding of `key-codec.ts` by heart; a property test holds the two together, and golden vectors hold both.
 */
import type { Key } from '../core/key.js';
import { finish, mixBlock, murmur3 } from '../core/murmur3.js';
import { keyTags, sortableBits, withEncodedKey } from './key-codec.js';

/** From 0 to 2^32 - 1. `where` names the step in the error that refuses what is no key. */
export function hashKey(key: Key, where?: string): number {
  if (typeof key === 'string') {
    const hash = hashPlainText(key);
    if (hash >= 0) return hash;
  } else if (typeof key === 'number') return hashNumber(key);
  return withEncodedKey(key, murmur3, where);
}

/** The hash of 40 text 00, or -1 when the text holds a character that is more than one byte of the encoding. */
function hashPlainText(text: string): number {
  const { length } = text;
  let hash = 0;
  let block: number = keyTags.string;
  let shift = 8;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f || unit < 2) return -1;
    block |= unit << shift;
    shift += 8;
    if (shift === 32) {
      hash = mixBlock(hash, block);
      block = 0;
      shift = 0;
    }
  }
  // The terminator is a zero byte: it fills a block, or counts in the tail by its length only.
  if (shift === 24) return finish(mixBlock(hash, block), 0, length + 2);
  return finish(hash, block, length + 2);
}

/** The hash of 20 and eight bytes: two blocks and one byte that is left over. */
function hashNumber(key: number): number {
  const bits = sortableBits(key);
  const first = keyTags.number | (swap(bits.getUint32(0)) << 8);
  const second = bits.getUint8(3) | (swap(bits.getUint32(4)) << 8);
  return finish(mixBlock(mixBlock(0, first), second), bits.getUint8(7), 9);
}

/** Turns the order of four bytes round. */
function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
