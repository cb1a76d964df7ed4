/**
 * Keys that are not in the heap: what a store asks of the last commit, and what it must not believe it.
 *
 *     look-up:   heap ─▶ gone since the last commit? ─▶ last commit
 *
 * What the running epoch and the one in commit have changed is always in the heap, but for keys that they have removed:
 * those are remembered here until their tombstone is committed.
 */
import type { Key, KeyScalar } from '../core/key.js';
import { compositeKeyText } from './key-codec.js';
import { PLACES } from './places.js';

/** The last commit, as one store sees it. */
export interface ColdKeys<Live extends object = object> {
  /** The state of a key, made anew with each call; undefined where the last commit has none. */
  read(place: number, key: Uint8Array): Live | undefined;
  /** Some of its keys, by place: those at or behind `from` that lie side by side. */
  page(from: number): ColdPage<Live>;
}

export interface ColdKey<Live extends object> {
  readonly key: Key;
  readonly place: number;
  readonly live: Live;
}

export interface ColdPage<Live extends object> {
  readonly found: readonly ColdKey<Live>[];
  /** Where the next page begins; 2^32 behind the last one. */
  readonly next: number;
}

/**
 * Walks over all keys of the last commit, however long it takes and whatever is committed meanwhile.
 *
 * @param committed a number that is another one after each commit
 * @param isElsewhere whether a key is in the heap, or gone
 */
export function* allCold<Live extends object>(
  cold: ColdKeys<Live>,
  committed: () => number,
  isElsewhere: (key: Key) => boolean,
): IterableIterator<ColdKey<Live>> {
  for (let from = 0; from < PLACES;) {
    const seen = committed();
    const { found, next } = cold.page(from);
    from = next;
    for (const each of found) {
      if (seen !== committed()) {
        // The page is of a former commit: what comes from here on is read again.
        from = each.place;
        break;
      }
      if (!isElsewhere(each.key)) yield each;
    }
  }
}

/** Keys that were removed and may still stand in the last commit. */
export class GoneKeys {
  #now = new KeySet();
  #frozen = new KeySet();

  has(key: Key): boolean {
    return this.#now.has(key) || this.#frozen.has(key);
  }

  add(key: Key): void {
    this.#now.add(key);
  }

  freeze(): void {
    this.#frozen = this.#now;
    this.#now = new KeySet();
  }

  /** The frozen epoch has been committed, tombstones included. */
  settled(): void {
    this.#frozen = new KeySet();
  }
}

class KeySet {
  readonly #scalars = new Set<KeyScalar>();
  readonly #composites = new Set<string>();

  has(key: Key): boolean {
    return typeof key === 'object'
      ? this.#composites.size > 0 && this.#composites.has(compositeKeyText(key))
      : this.#scalars.has(key);
  }

  add(key: Key): void {
    if (typeof key === 'object') this.#composites.add(compositeKeyText(key));
    else this.#scalars.add(key);
  }
}
