/** An order over all keys, for ties: by type, then by value. It equals the order of their encodings. */
import type { Key } from '../core/key.js';
import { encodeKey } from './key-codec.js';

/** Below 0 when `a` comes first, 0 when both are the same key. */
export function compareKeys(a: Key, b: Key): number {
  if (a === b) return 0;
  // NaN is unequal to itself and below nothing; its encoding has a place.
  if (typeof a === 'number' && typeof b === 'number' && (a < b || a > b)) return a < b ? -1 : 1;
  const left = encodeKey(a);
  const right = encodeKey(b);
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function sameKey(a: Key, b: Key): boolean {
  return a === b || (typeof a === typeof b && compareKeys(a, b) === 0);
}
