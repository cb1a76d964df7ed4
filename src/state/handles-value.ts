/** `valueState`: one value per key. */
import type { SlotCursor, StateDeclaration } from './handles.js';
import { schemaOf } from './declared-schema.js';
import { ttlOf, type StateOptions } from './ttl.js';
import { TtlValueHandle, clearCell, initialOf, stampedCells } from './ttl-value.js';

/** One value per key. */
export interface ValueState<T> {
  /** The value, or the declared initial one. Change it only by `set`: what is changed in place is lost on a restore. */
  get(): T;
  set(value: Exclude<T, undefined>): void;
  /** Forgets the value; `get` gives the initial one again. */
  clear(): void;
}

/**
 * Declares one value per key, after Flink's `ValueState`.
 *
 * @param initial what `get` gives while nothing has been set: a plain value, or a function that makes a fresh one;
 *   `undefined` for none
 * @param options a TTL; default: the value lives until it is cleared
 *
 * @example
 * import { keyBy, process, valueState } from 'tidemark';
 * import { of } from 'rxjs';
 * of('a', 'b', 'a')
 *   .pipe(
 *     keyBy((letter) => letter),
 *     process({
 *       uid: 'seen',
 *       state: { times: valueState(0, { ttl: { after: '1d', time: 'processing' } }) },
 *       element(letter, { state: { times } }) {
 *         times.set(times.get() + 1);
 *         return [`${letter}${times.get()}`];
 *       },
 *     }),
 *   )
 *   .subscribe((text) => console.log(text));
 * // => a1
 * // => b1
 * // => a2
 *
 * @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID
 */
export function valueState<T>(): StateDeclaration<ValueState<T | undefined>>;
export function valueState<T>(
  initial: undefined,
  options?: StateOptions<T>,
): StateDeclaration<ValueState<T | undefined>>;
export function valueState<T>(
  initial: T | (() => T),
  options?: StateOptions<T>,
): StateDeclaration<ValueState<T>>;
export function valueState<T>(
  initial?: T | (() => T),
  options?: StateOptions<T>,
): StateDeclaration<ValueState<T>> {
  const ttl = ttlOf(options, 'valueState');
  const schema = schemaOf(options, 'valueState');
  const start = initial as T | (() => T);
  if (ttl !== undefined)
    return {
      kind: 'value',
      schema,
      ...stampedCells(ttl),
      handle: (cursor, index) => new TtlValueHandle<T>({ cursor, index, ttl }, start),
    };
  return {
    kind: 'value',
    schema,
    ttl,
    handle: (cursor, index) => new ValueHandle<T>(cursor, index, start),
    pack: (cell) => cell,
    unpack: (packed) => packed,
  };
}

class ValueHandle<T> implements ValueState<T> {
  readonly #cursor: SlotCursor;
  readonly #index: number;
  readonly #initial: T | (() => T);

  constructor(cursor: SlotCursor, index: number, initial: T | (() => T)) {
    this.#cursor = cursor;
    this.#index = index;
    this.#initial = initial;
  }

  get(): T {
    const cell = this.#cursor.read(this.#index);
    if (cell === undefined) return this.#cursor.give(initialOf(this.#initial));
    return typeof cell === 'object' ? this.#cursor.give(cell as T) : (cell as T);
  }

  set(value: T): void {
    this.#cursor.write(this.#index, value);
  }

  clear(): void {
    clearCell(this.#cursor, this.#index);
  }
}
