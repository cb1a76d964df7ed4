/** `mapState`: any number of entries per key. */
import type { KeyScalar } from '../core/key.js';
import { refuseKind, type SlotCursor, type StateDeclaration } from './handles.js';
import { TtlMapHandle, ttlMapCells } from './ttl-map.js';
import { schemaOf } from './declared-schema.js';
import { ttlOf, type StateOptions } from './ttl.js';
import { clearCell } from './ttl-value.js';

/** Any number of entries per key. */
export interface MapState<K extends KeyScalar, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  has(key: K): boolean;
  delete(key: K): void;
  clear(): void;
  /** Whether nothing is stored: with a TTL an expired entry that nobody has removed yet counts, as in Flink. */
  isEmpty(): boolean;
  /** How many entries are stored, counted as by `isEmpty`. */
  readonly size: number;
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
}

/**
 * Declares a map per key, after Flink's `MapState`. Its own keys are strings, numbers, booleans or bigints.
 *
 * @param options a TTL, for each entry by itself; `entries`, `keys` and `values` count as a read of all of them
 *
 * @example
 * import { keyBy, mapState, process } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ user: 'ann', song: 'a' }, { user: 'ann', song: 'b' }, { user: 'ann', song: 'a' })
 *   .pipe(
 *     keyBy((play) => play.user),
 *     process({
 *       uid: 'plays',
 *       state: { plays: mapState<string, number>() },
 *       element({ song }, { state: { plays } }) {
 *         plays.set(song, (plays.get(song) ?? 0) + 1);
 *         return [[...plays.entries()].join(' ')];
 *       },
 *     }),
 *   )
 *   .subscribe((text) => console.log(text));
 * // => a,1
 * // => a,1 b,1
 * // => a,2 b,1
 *
 * @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID
 */
export function mapState<K extends KeyScalar, V>(
  options?: StateOptions<V>,
): StateDeclaration<MapState<K, V>> {
  const ttl = ttlOf(options, 'mapState');
  const schema = schemaOf(options, 'mapState');
  if (ttl !== undefined)
    return {
      kind: 'map',
      schema,
      ...ttlMapCells(ttl),
      handle: (cursor, index): MapState<K, V> => new TtlMapHandle<K, V>({ cursor, index, ttl }),
    };
  return {
    kind: 'map',
    schema,
    ttl,
    handle: (cursor, index) => new MapHandle<K, V>(cursor, index),
    pack: (cell) => cell,
    unpack(packed) {
      if (!(packed instanceof Map)) return refuseKind('a map', packed);
      return packed.size === 0 ? undefined : packed;
    },
  };
}

class MapHandle<K extends KeyScalar, V> implements MapState<K, V> {
  readonly #cursor: SlotCursor;
  readonly #index: number;

  constructor(cursor: SlotCursor, index: number) {
    this.#cursor = cursor;
    this.#index = index;
  }

  get(key: K): V | undefined {
    const value = this.#read()?.get(key);
    return typeof value === 'object' ? this.#cursor.give(value) : value;
  }

  has(key: K): boolean {
    return this.#read()?.has(key) ?? false;
  }

  set(key: K, value: V): void {
    const entries = this.#read();
    if (entries === undefined) {
      this.#cursor.write(this.#index, new Map<K, V>([[key, value]]));
      return;
    }
    this.#cursor.touch();
    entries.set(key, value);
  }

  delete(key: K): void {
    const entries = this.#read();
    if (entries?.has(key) !== true) return;
    this.#cursor.touch();
    entries.delete(key);
    if (entries.size === 0) this.#cursor.write(this.#index, undefined);
  }

  clear(): void {
    clearCell(this.#cursor, this.#index);
  }

  isEmpty(): boolean {
    return this.#read() === undefined;
  }

  get size(): number {
    return this.#read()?.size ?? 0;
  }

  entries(): IterableIterator<[K, V]> {
    return this.#giveAll().entries();
  }

  keys(): IterableIterator<K> {
    return (this.#read() ?? new Map<K, V>()).keys();
  }

  values(): IterableIterator<V> {
    return this.#giveAll().values();
  }

  #giveAll(): Map<K, V> {
    const entries = this.#read();
    if (entries === undefined) return new Map();
    for (const value of entries.values()) this.#cursor.give(value);
    return entries;
  }

  #read(): Map<K, V> | undefined {
    return this.#cursor.read(this.#index) as Map<K, V> | undefined;
  }
}
