/**
 * Broadcast state: maps of which every shard holds a whole copy. They are written on the broadcast side only; all
 * shards meet its elements in the same order, so all copies are equal, and a checkpoint keeps one of them.
 *
 *     ['limits', 'ann'] ─▶ { value: 50, order: 3 }       an entry is a slot of a keyed store, so an epoch
 *     ['limits', 'bob'] ─▶ { value: 20, order: 7 }       writes the entries that it has changed, and no others
 *
 * Entries are walked in the order in which they were first put, as in a Map, also after a restore: hence `order`.
 */
import { TidemarkError } from '../core/errors.js';
import type { KeyScalar } from '../core/key.js';
import type { KeyedState, KeyedStateSpec, Slot } from '../core/operator.js';
import { freezeDeep } from './guard.js';
import type { StateDeclaration } from './handles.js';
import type { MapState } from './handles-map.js';

/** What the side that only reads is given of a map. */
export type ReadonlyMapState<K extends KeyScalar, V> = Pick<
  MapState<K, V>,
  'get' | 'has' | 'isEmpty' | 'size' | 'entries' | 'keys' | 'values'
>;

/** Maps by name, as `mapState` declares them. */
export type BroadcastDeclarations = Readonly<
  Record<string, StateDeclaration<MapState<KeyScalar, unknown>>>
>;

/** Handles for the side that writes. */
export type BroadcastHandles<Declarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends StateDeclaration<
    MapState<infer K, infer V>
  >
    ? MapState<K, V>
    : never;
};

/** Handles for the side that reads. */
export type ReadonlyBroadcastHandles<Declarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends StateDeclaration<
    MapState<infer K, infer V>
  >
    ? ReadonlyMapState<K, V>
    : never;
};

/** An entry of a map. */
interface Entry {
  value: unknown;
  /** Its place among the entries of the copy; -1 while it holds nothing. */
  order: number;
}

export const entrySpec: KeyedStateSpec<Entry> = {
  create: () => ({ value: undefined, order: -1 }),
  pack: ({ value, order }) => [order, value],
  unpack(packed) {
    const [order, value] = packed as [number, unknown];
    return { value, order };
  },
  isEmpty: ({ order }) => order < 0,
};

/** What a copy is made of. */
export interface BroadcastStateOptions {
  readonly names: readonly string[];
  readonly isGuarded: boolean;
  /** The step that it belongs to, for errors. */
  readonly where: string;
}

type Entries = Map<KeyScalar, Slot<Entry>>;

/** The copy of one shard. */
export class BroadcastCopy {
  readonly store: KeyedState<Entry>;
  readonly options: BroadcastStateOptions;
  /** Raised while an element of the broadcast side is in hand. */
  isWritable = false;
  readonly handles: Readonly<Record<string, MapState<KeyScalar, unknown>>>;
  #nextOrder = 0;

  constructor(store: KeyedState<Entry>, options: BroadcastStateOptions) {
    this.store = store;
    this.options = options;
    const maps = new Map(options.names.map((name): [string, Entries] => [name, new Map()]));
    for (const slot of [...store.slots()].toSorted((a, b) => a.live.order - b.live.order)) {
      const [name, key] = slot.key as readonly [string, KeyScalar];
      this.#nextOrder = slot.live.order + 1;
      const entries = maps.get(name);
      if (entries === undefined) this.drop(slot);
      else entries.set(key, slot);
    }
    this.handles = Object.fromEntries(
      [...maps].map(([name, entries]) => [name, new BroadcastMap(this, name, entries)]),
    );
  }

  takeOrder(): number {
    this.#nextOrder += 1;
    return this.#nextOrder - 1;
  }

  drop(slot: Slot<Entry>): void {
    this.store.touch(slot);
    slot.live.value = undefined;
    slot.live.order = -1;
    this.store.release(slot);
  }
}

class BroadcastMap implements MapState<KeyScalar, unknown> {
  readonly #copy: BroadcastCopy;
  readonly #name: string;
  readonly #entries: Entries;

  constructor(copy: BroadcastCopy, name: string, entries: Entries) {
    this.#copy = copy;
    this.#name = name;
    this.#entries = entries;
  }

  get(key: KeyScalar): unknown {
    const slot = this.#entries.get(key);
    return slot === undefined ? undefined : this.#give(slot);
  }

  has(key: KeyScalar): boolean {
    return this.#entries.has(key);
  }

  set(key: KeyScalar, value: unknown): void {
    this.#checkWritable('set');
    const { store } = this.#copy;
    let slot = this.#entries.get(key);
    if (slot === undefined) {
      slot = store.slot([this.#name, key]);
      this.#entries.set(key, slot);
      store.touch(slot);
      slot.live.order = this.#copy.takeOrder();
    } else store.touch(slot);
    slot.live.value = value;
  }

  delete(key: KeyScalar): void {
    this.#checkWritable('delete');
    const slot = this.#entries.get(key);
    if (slot === undefined) return;
    this.#entries.delete(key);
    this.#copy.drop(slot);
  }

  clear(): void {
    this.#checkWritable('clear');
    for (const slot of this.#entries.values()) this.#copy.drop(slot);
    this.#entries.clear();
  }

  isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get size(): number {
    return this.#entries.size;
  }

  *entries(): IterableIterator<[KeyScalar, unknown]> {
    for (const [key, slot] of this.#entries) yield [key, this.#give(slot)];
  }

  keys(): IterableIterator<KeyScalar> {
    return this.#entries.keys();
  }

  *values(): IterableIterator<unknown> {
    for (const slot of this.#entries.values()) yield this.#give(slot);
  }

  /** An object may be changed in place and then set, so a frozen epoch is saved before. */
  #give(slot: Slot<Entry>): unknown {
    const { value } = slot.live;
    if (typeof value !== 'object' || value === null) return value;
    this.#copy.store.preserve(slot);
    return this.#copy.options.isGuarded ? freezeDeep(value) : value;
  }

  #checkWritable(method: string): void {
    const { isWritable, options } = this.#copy;
    if (isWritable) return;
    throw new TidemarkError('BROADCAST_READ_ONLY', {
      expected:
        'broadcast state to be written by `second` alone, with an element of the broadcast stream in hand',
      got: `${method} on "${this.#name}"`,
      where: options.where,
      hint: 'The shards have different keys, so their copies would part; send the change through the broadcast stream.',
    });
  }
}
