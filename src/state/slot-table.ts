/** The slots of a store by key: whole numbers in a table of their own, other scalars and composites in maps. */
import type { Key, KeyScalar } from '../core/key.js';
import { IntegerTable } from './integer-table.js';
import { compositeKeyText } from './key-codec.js';

export class SlotTable<Held extends { readonly key: Key }> {
  /** Read by hot code that looks up by itself. */
  readonly integers = new IntegerTable<Held>();
  readonly #scalars = new Map<KeyScalar, Held>();
  readonly #composites = new Map<string, Held>();

  get size(): number {
    return this.integers.size + this.#scalars.size + this.#composites.size;
  }

  get(key: Key): Held | undefined {
    if (IntegerTable.holds(key)) return this.integers.get(key);
    return typeof key === 'object'
      ? this.#composites.get(compositeKeyText(key))
      : this.#scalars.get(key);
  }

  /** Puts a slot under its key, which has none yet. */
  add(slot: Held): void {
    const { key } = slot;
    if (IntegerTable.holds(key)) this.integers.add(key, slot);
    else if (typeof key === 'object') this.#composites.set(compositeKeyText(key), slot);
    else this.#scalars.set(key, slot);
  }

  delete(key: Key): void {
    if (IntegerTable.holds(key)) this.integers.delete(key);
    else if (typeof key === 'object') this.#composites.delete(compositeKeyText(key));
    else this.#scalars.delete(key);
  }

  /** In an order that means nothing; what is deleted meanwhile is left out, what is added may be. */
  *all(): IterableIterator<Held> {
    yield* this.integers.all();
    yield* this.#scalars.values();
    yield* this.#composites.values();
  }
}

/** A key of our own: an object could be changed by its owner, and -0 is 0. */
export function ownKey(key: Key): Key {
  return typeof key === 'object' ? structuredClone(key) : key === 0 ? 0 : key;
}
