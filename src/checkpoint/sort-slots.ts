/** The changed slots of a part in the order in which their run has them. */
import { assert } from '../core/errors.js';
import { compareKeys } from '../state/key-order.js';
import type { StoredSlot } from '../state/slots.js';

type Stored = StoredSlot<object>;

/** So many indexes have room beside a place in a float of 53 bits. */
const INDEX_LIMIT = 2 ** 21;

/** Sorted by place, then by key, then by the order of change. */
export function sortByPlace(slots: readonly Stored[]): readonly Stored[] {
  assert(slots.length <= INDEX_LIMIT, 'an epoch changes at most two million keys of a part');
  // Numbers are sorted without a call for each comparison.
  const order = new Float64Array(slots.length);
  for (let index = 0; index < slots.length; index += 1)
    order[index] = ((slots[index] as Stored).place >>> 0) * INDEX_LIMIT + index;
  order.sort();
  const sorted = new Array<Stored>(slots.length);
  for (let at = 0; at < order.length; at += 1) {
    const slot = slots[(order[at] as number) % INDEX_LIMIT] as Stored;
    // Places are seldom shared. Equal keys stay in the order of change.
    let to = at;
    for (; to > 0; to -= 1) {
      const before = sorted[to - 1] as Stored;
      if (before.place !== slot.place || compareKeys(before.key, slot.key) <= 0) break;
      sorted[to] = before;
    }
    sorted[to] = slot;
  }
  return sorted;
}

export function isSameKey(slot: Stored, next: Stored | undefined): boolean {
  return next !== undefined && next.place === slot.place && compareKeys(slot.key, next.key) === 0;
}
