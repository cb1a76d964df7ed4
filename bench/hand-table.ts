/**
 * Counters by whole numbers in two typed arrays: open addressing, at most half full. It is what a loop by hand gets that
 * may rely on keys of 31 bits; an engine may not.
 */

const FREE = -1;
const SLOTS_AT_FIRST = 4096;

export class IntegerCounts {
  #keys = new Int32Array(SLOTS_AT_FIRST).fill(FREE);
  #counts = new Int32Array(SLOTS_AT_FIRST);
  #size = 0;

  /** Counts a key, from 0 to 2^31 - 1, and gives how often it has come. */
  increment(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let slot = placeOf(key) & mask;
    while (keys[slot] !== key) {
      if (keys[slot] === FREE) return this.#insert(key, slot);
      slot = (slot + 1) & mask;
    }
    const count = (this.#counts[slot] as number) + 1;
    this.#counts[slot] = count;
    return count;
  }

  #insert(key: number, slot: number): number {
    this.#keys[slot] = key;
    this.#counts[slot] = 1;
    this.#size += 1;
    if (this.#size * 2 > this.#keys.length) this.#grow();
    return 1;
  }

  #grow(): void {
    const [keys, counts] = [this.#keys, this.#counts];
    const mask = keys.length * 2 - 1;
    this.#keys = new Int32Array(mask + 1).fill(FREE);
    this.#counts = new Int32Array(mask + 1);
    for (let from = 0; from < keys.length; from += 1) {
      const key = keys[from] as number;
      if (key === FREE) continue;
      let slot = placeOf(key) & mask;
      while (this.#keys[slot] !== FREE) slot = (slot + 1) & mask;
      this.#keys[slot] = key;
      this.#counts[slot] = counts[from] as number;
    }
  }
}

function placeOf(key: number): number {
  return Math.imul(key, 0x9e3779b1) >>> 7;
}
