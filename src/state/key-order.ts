/** An order over all keys, for ties: by type, then by value. It equals the order of their encodings. */
import type { Key } from '../core/key.js';
import { encodeKey } from './key-codec.js';

/** Below 0 when `a` comes first, 0 when both are the same key. */
export function compareKeys(a: Key, b: Key): number {
  if (a === b) return 0;
  // NaN is below nothing and above nothing; its encoding has a place.
  if (typeof a === 'number' && typeof b === 'number' && !Number.isNaN(a) && !Number.isNaN(b))
    return a < b ? -1 : 1;
  if (typeof a === 'string' && typeof b === 'string') {
    const order = compareUnits(a, b);
    if (order !== undefined) return order;
  }
  const left = encodeKey(a);
  const right = encodeKey(b);
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** By code unit, which is the order of UTF-8 but for surrogates: undefined where one decides. */
function compareUnits(a: string, b: string): number | undefined {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    return isSurrogate(left) || isSurrogate(right) ? undefined : left - right;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

export function sameKey(a: Key, b: Key): boolean {
  return a === b || (typeof a === typeof b && compareKeys(a, b) === 0);
}
