/** Maps with a time to live: each entry has a stamp of its own. */
import type { KeyScalar } from '../core/key.js';
import { refuseKind, stampOf, type StateDeclaration } from './handles.js';
import { Stamped, type SweepTurn, type Ttl } from './ttl.js';
import { clearCell, restamp, sweepStamped, type TtlPlace } from './ttl-value.js';

type Entries<K = unknown, V = unknown> = Map<K, Stamped<V>>;

/** How a declaration keeps a map with stamps. In a snapshot they stand beside the map, in its order. */
export function ttlMapCells(
  ttl: Ttl,
): Pick<StateDeclaration<unknown>, 'ttl' | 'pack' | 'unpack' | 'sweep'> {
  return {
    ttl,
    pack(cell) {
      const entries = [...(cell as Entries)];
      return [
        entries.map(([, { stamp }]) => stamp),
        new Map(entries.map(([key, { value }]) => [key, value])),
      ];
    },
    unpack(packed, stamps) {
      if (!(packed instanceof Map)) return refuseKind('a map', packed);
      if (packed.size === 0) return undefined;
      const stampAt = Array.isArray(stamps) ? (stamps as number[]) : [];
      return new Map(
        [...packed].map(([key, value]: [unknown, unknown], at) => [
          key,
          new Stamped(value, stampOf(stampAt[at])),
        ]),
      );
    },
    sweep: (turn, index) => sweepMap(ttl, turn, index),
  };
}

/** Looks at some of the entries and leaves the rest for later turns: one key may hold millions. */
function sweepMap(ttl: Ttl, turn: SweepTurn, index: number): boolean {
  const map = turn.read(index) as Entries | undefined;
  if (map === undefined) return true;
  if (turn.rest?.of !== map) turn.rest = { of: map, entries: map.entries() };
  for (; turn.left > 0; turn.left -= 1) {
    const next = turn.rest.entries.next();
    if (next.done === true) return true;
    const [key, entry] = next.value as [unknown, Stamped];
    if (!sweepStamped(entry, ttl, turn)) continue;
    map.delete(key);
    if (map.size > 0) continue;
    turn.write(index, undefined);
    return true;
  }
  return false;
}

/** The handle of a `mapState` with a TTL. */
export class TtlMapHandle<K extends KeyScalar, V> {
  readonly #place: TtlPlace;

  constructor(place: TtlPlace) {
    this.#place = place;
  }

  get(key: K): V | undefined {
    return this.#place.cursor.give(this.#look(key)?.value);
  }

  has(key: K): boolean {
    return this.#look(key) !== undefined;
  }

  set(key: K, value: V): void {
    const { cursor, index, ttl } = this.#place;
    const entries = this.#read();
    const stamp = ttl.stamp(cursor);
    if (entries === undefined) {
      cursor.write(index, new Map([[key, new Stamped(value, stamp)]]));
      return;
    }
    cursor.touch();
    const entry = entries.get(key);
    if (entry === undefined) entries.set(key, new Stamped(value, stamp));
    else {
      entry.value = value;
      entry.stamp = ttl.later(entry.stamp, stamp);
    }
  }

  delete(key: K): void {
    if (this.#read()?.has(key) === true) this.#remove(key);
  }

  clear(): void {
    clearCell(this.#place.cursor, this.#place.index);
  }

  isEmpty(): boolean {
    return this.#read() === undefined;
  }

  get size(): number {
    return this.#read()?.size ?? 0;
  }

  entries(): IterableIterator<[K, V]> {
    return this.#visible().values();
  }

  keys(): IterableIterator<K> {
    return this.#visible()
      .map(([key]) => key)
      .values();
  }

  values(): IterableIterator<V> {
    return this.#visible()
      .map(([, value]) => value)
      .values();
  }

  /** A read of all entries. At once and not as they are asked for: by then another key may be in hand. */
  #visible(): [K, V][] {
    const visible: [K, V][] = [];
    for (const [key] of [...(this.#read() ?? [])]) {
      const entry = this.#look(key);
      if (entry !== undefined) visible.push([key, this.#place.cursor.give(entry.value)]);
    }
    return visible;
  }

  /** Reads an entry by the rules of its TTL: an expired one is removed, a live one may be stamped. */
  #look(key: K): Stamped<V> | undefined {
    const { cursor, ttl } = this.#place;
    const entry = this.#read()?.get(key);
    if (entry === undefined) return undefined;
    if (ttl.isExpired(entry.stamp, ttl.now(cursor))) {
      this.#remove(key);
      return ttl.givesExpired ? entry : undefined;
    }
    if (ttl.stampsReads) restamp(entry, ttl, cursor);
    return entry;
  }

  #remove(key: K): void {
    const { cursor, index } = this.#place;
    cursor.touch();
    const entries = this.#read();
    entries?.delete(key);
    if (entries?.size === 0) cursor.write(index, undefined);
  }

  #read(): Entries<K, V> | undefined {
    return this.#place.cursor.read(this.#place.index) as Entries<K, V> | undefined;
  }
}
