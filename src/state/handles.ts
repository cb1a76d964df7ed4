/**
 * State handles: what a `process` function reads and writes. A handle belongs to the operator, not to a key; before
 * each call of user code the operator points its cursor at the slot of the key in hand.
 *
 * Names after Flink's `ValueState` and `MapState`.
 */
import type { KeyedState, KeyedStateSpec, Slot } from '../core/operator.js';
import type { KeyScalar } from '../core/key.js';
import { freezeDeep } from './guard.js';

/** The live object of a key: one cell per declared state, `undefined` while it is empty. */
export interface Cells {
  readonly cells: unknown[];
}

/** Points handles at the slot in hand, and stamps it before the first change. */
export class SlotCursor {
  readonly #store: KeyedState<Cells>;
  readonly #isGuarded: boolean;
  slot!: Slot<Cells>;

  /** @param options.isGuarded whether values are frozen as they are given out */
  constructor(store: KeyedState<Cells>, options: { isGuarded: boolean }) {
    this.#store = store;
    this.#isGuarded = options.isGuarded;
  }

  /** What user code gets of a value: an object may be changed and then set, so a frozen epoch is saved before. */
  give<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return value;
    this.#store.preserve(this.slot);
    return this.#isGuarded ? freezeDeep(value) : value;
  }

  /** The cells, for reading. */
  get cells(): unknown[] {
    return this.slot.live.cells;
  }

  /** The cells, about to be changed. */
  writable(): unknown[] {
    this.#store.touch(this.slot);
    return this.slot.live.cells;
  }
}

/** A state declared by `valueState`, `mapState`: says how its handle is made and when its cell is empty. */
export interface StateDeclaration<Handle> {
  readonly kind: 'value' | 'map';
  handle(cursor: SlotCursor, index: number): Handle;
  isEmpty(cell: unknown): boolean;
}

/** One value per key. */
export interface ValueState<T> {
  /** The value, or the declared initial one. Change it only by `set`: what is changed in place is lost on a restore. */
  get(): T;
  set(value: Exclude<T, undefined>): void;
  /** Forgets the value; `get` gives the initial one again. */
  clear(): void;
}

/** Any number of entries per key. */
export interface MapState<K extends KeyScalar, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  has(key: K): boolean;
  delete(key: K): void;
  clear(): void;
  readonly size: number;
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
}

export type StateDeclarations = Readonly<Record<string, StateDeclaration<unknown>>>;

/** The handles for a record of declarations. */
export type HandlesOf<Declarations extends StateDeclarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends StateDeclaration<infer Handle>
    ? Handle
    : never;
};

/**
 * Declares one value per key.
 *
 * @param initial what `get` gives while nothing has been set: a plain value, or a function that makes a fresh one
 *
 * @example
 * import { valueState } from 'tidemark';
 * console.log(valueState(0).kind); // => value
 */
export function valueState<T>(): StateDeclaration<ValueState<T | undefined>>;
export function valueState<T>(initial: T | (() => T)): StateDeclaration<ValueState<T>>;
export function valueState<T>(initial?: T | (() => T)): StateDeclaration<ValueState<T>> {
  const fresh = (): T => (typeof initial === 'function' ? (initial as () => T)() : (initial as T));
  return {
    kind: 'value',
    isEmpty: (cell) => cell === undefined,
    handle: (cursor, index) => ({
      get: () => {
        const cell = cursor.cells[index] as T | undefined;
        return cursor.give(cell === undefined ? fresh() : cell);
      },
      set: (value) => {
        cursor.writable()[index] = value;
      },
      clear: () => {
        if (cursor.cells[index] !== undefined) cursor.writable()[index] = undefined;
      },
    }),
  };
}

/**
 * Declares a map per key. Its own keys are strings, numbers, booleans or bigints.
 *
 * @example
 * import { mapState } from 'tidemark';
 * console.log(mapState<string, number>().kind); // => map
 */
export function mapState<K extends KeyScalar, V>(): StateDeclaration<MapState<K, V>> {
  return {
    kind: 'map',
    isEmpty: (cell) => cell === undefined || (cell as Map<K, V>).size === 0,
    handle: (cursor, index) => new MapHandle<K, V>(cursor, index),
  };
}

/** How the states of one `process` are kept: cells by index in the heap, by name in a snapshot. */
export function cellsSpec(declarations: StateDeclarations): KeyedStateSpec<Cells> {
  const names = Object.keys(declarations);
  const declared = Object.values(declarations);
  return {
    create: () => ({ cells: names.map(() => undefined) }),
    pack: ({ cells }) => new Map(names.map((name, index) => [name, cells[index]])),
    unpack: (packed) => ({
      cells: names.map((name) => (packed as Map<string, unknown>).get(name)),
    }),
    isEmpty: ({ cells }) =>
      declared.every((declaration, index) => declaration.isEmpty(cells[index])),
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
    return this.#cursor.give(this.#read()?.get(key));
  }

  has(key: K): boolean {
    return this.#read()?.has(key) ?? false;
  }

  set(key: K, value: V): void {
    const cells = this.#cursor.writable();
    const entries = (cells[this.#index] ??= new Map<K, V>()) as Map<K, V>;
    entries.set(key, value);
  }

  delete(key: K): void {
    if (this.has(key)) (this.#cursor.writable()[this.#index] as Map<K, V>).delete(key);
  }

  clear(): void {
    if (this.#read() !== undefined) this.#cursor.writable()[this.#index] = undefined;
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
    return this.#cursor.cells[this.#index] as Map<K, V> | undefined;
  }
}
