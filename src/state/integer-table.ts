/**
 * A table of whole-number keys: open addressing in a typed array. Ids are mostly such numbers, and `Map` asks for each
 * of them by a call of its own, through two places of memory; here a look-up is a few instructions, so that the
 * processor works on several keys at the same time.
 */

/** Two numbers that stand for "free" and "was used": not to be had as keys. */
const FREE = -(2 ** 31);
const GONE = FREE + 1;

const CAPACITY_AT_FIRST = 16;

export class IntegerTable<Value> {
  /** By place; read by hot code that looks up by itself. Replaced as a whole when the table grows. */
  keys = new Int32Array(CAPACITY_AT_FIRST).fill(FREE);
  values: (Value | undefined)[] = new Array<Value | undefined>(CAPACITY_AT_FIRST).fill(undefined);
  #size = 0;
  /** Places that are not free, with those that were used. */
  #taken = 0;

  /** The least key that belongs here; `LEAST - 2` marks a free place. */
  static readonly LEAST = GONE + 1;

  /** Whether a key belongs here: a whole number of 32 bits. -0 is 0. */
  static holds(key: unknown): key is number {
    return typeof key === 'number' && (key | 0) === key && key > GONE;
  }

  get size(): number {
    return this.#size;
  }

  get(key: number): Value | undefined {
    const keys = this.keys;
    const mask = keys.length - 1;
    let place = placeOf(key) & mask;
    for (let found = keys[place] as number; found !== FREE; found = keys[place] as number) {
      if (found === key) return this.values[place];
      place = (place + 1) & mask;
    }
    return undefined;
  }

  /** Puts a value under a key that is not there yet. */
  add(key: number, value: Value): void {
    if ((this.#taken + 1) * 2 > this.keys.length) this.#rebuild();
    this.#put(key, value);
    this.#size += 1;
  }

  delete(key: number): void {
    const keys = this.keys;
    const mask = keys.length - 1;
    let place = placeOf(key) & mask;
    while (keys[place] !== key) {
      if (keys[place] === FREE) return;
      place = (place + 1) & mask;
    }
    keys[place] = GONE;
    this.values[place] = undefined;
    this.#size -= 1;
  }

  /**
   * All values, in an order that means nothing. What is deleted meanwhile is left out, what is added may be; where the
   * table is rebuilt meanwhile, some come twice.
   */
  *all(): IterableIterator<Value> {
    let keys = this.keys;
    for (let place = 0; place < this.keys.length; place += 1) {
      if (this.keys !== keys) {
        keys = this.keys;
        place = -1;
        continue;
      }
      const value = this.values[place];
      if (value !== undefined) yield value;
    }
  }

  #put(key: number, value: Value): void {
    const keys = this.keys;
    const mask = keys.length - 1;
    let place = placeOf(key) & mask;
    // A place that was used serves as well: where keys come and go, the table need not be rebuilt again and again.
    while ((keys[place] as number) > GONE) place = (place + 1) & mask;
    if (keys[place] === FREE) this.#taken += 1;
    keys[place] = key;
    this.values[place] = value;
  }

  /** Twice as large where it is needed, and without the places that were used. */
  #rebuild(): void {
    const [keys, values] = [this.keys, this.values];
    this.#taken = 0;
    const capacity = Math.max(CAPACITY_AT_FIRST, 2 ** Math.ceil(Math.log2((this.#size + 1) * 4)));
    this.keys = new Int32Array(capacity).fill(FREE);
    this.values = new Array<Value | undefined>(capacity).fill(undefined);
    for (let place = 0; place < keys.length; place += 1) {
      const value = values[place];
      if (value !== undefined) this.#put(keys[place] as number, value);
    }
  }
}

/** Spreads neighbouring keys. */
function placeOf(key: number): number {
  const hash = Math.imul(key, 0x9e3779b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}
