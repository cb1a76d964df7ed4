/** Looking up many keys at a time, in code of its own for each store. */
import type { Key } from '../core/key.js';
import type { IntegerTable } from './integer-table.js';
import type { SlotBase } from './stored-slot.js';

export interface PrefetchParts {
  readonly table: Pick<IntegerTable<SlotBase>, 'keys' | 'values'>;
  /** The least key that the table holds. */
  readonly least: number;
  readonly find: (key: Key) => SlotBase | undefined;
  readonly store: { lastSeen: number };
}

/** A template for `fresh`. Two short loops: the processor then waits for many places of memory at the same time. */
export function prefetching({ table, least, find, store }: PrefetchParts) {
  return (keys: readonly Key[], count: number, slots: (SlotBase | undefined)[]): void => {
    const places = table.keys;
    const { values } = table;
    const mask = places.length - 1;
    for (let index = 0; index < count; index += 1) {
      const key = keys[index] as Key;
      if (typeof key !== 'number' || (key | 0) !== key || key < least) {
        slots[index] = find(key);
        continue;
      }
      const hash = Math.imul(key, 0x9e3779b1);
      let place = (hash ^ (hash >>> 15)) & mask;
      let found = places[place] as number;
      while (found !== key && found !== least - 2) {
        place = (place + 1) & mask;
        found = places[place] as number;
      }
      slots[index] = found === key ? values[place] : find(key);
    }
    let seen = 0;
    for (let index = 0; index < count; index += 1) {
      const slot = slots[index];
      // At both ends, because it may lie in two lines of memory.
      if (slot !== undefined) seen += slot.place + slot.flags;
    }
    store.lastSeen = seen | 0;
  };
}
