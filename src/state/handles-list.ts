/** `listState`: any number of elements per key, in the order in which they were added. */
import { refuseKind, type SlotCursor, type StateDeclaration } from './handles.js';
import { ListCell, TtlListHandle, noElements, ttlListCells } from './ttl-list.js';
import { schemaOf } from './declared-schema.js';
import { ttlOf, type StateOptions } from './ttl.js';
import { clearCell } from './ttl-value.js';

/** Any number of elements per key, in order. */
export interface ListState<T> {
  /**
   * All elements. The array is not changed later, so it may be emitted or kept; an `add` after a `get` copies it
   * first, so ask `size` where only the number matters.
   */
  get(): readonly T[];
  add(element: T): void;
  /** Adds several, in their order. */
  addAll(elements: Iterable<T>): void;
  /** Replaces all elements; none is the same as `clear`. */
  update(elements: Iterable<T>): void;
  clear(): void;
  /** How many are stored: with a TTL also expired ones that nobody has removed yet. */
  readonly size: number;
}

/**
 * Declares a list per key, after Flink's `ListState`.
 *
 * @param options a TTL, for each element by itself. With `returnExpiredIfNotCleanedUp` and `onCreateAndWrite` expired
 *   elements stay in sight until all have expired or the cleanup drops them, as in Flink.
 *
 * @example
 * import { keyBy, listState, process } from 'tidemark';
 * import { of } from 'rxjs';
 * // Emits the plays of a user two at a time.
 * of({ user: 'ann', song: 'a' }, { user: 'bob', song: 'b' }, { user: 'ann', song: 'c' })
 *   .pipe(
 *     keyBy((play) => play.user),
 *     process({
 *       uid: 'pairs',
 *       state: { songs: listState<string>() },
 *       element({ user, song }, { state: { songs } }) {
 *         songs.add(song);
 *         if (songs.size < 2) return [];
 *         const pair = songs.get();
 *         songs.clear();
 *         return [`${user}: ${pair.join(' ')}`];
 *       },
 *     }),
 *   )
 *   .subscribe((text) => console.log(text));
 * // => ann: a c
 *
 * @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID
 */
export function listState<T>(options?: StateOptions<T>): StateDeclaration<ListState<T>> {
  const ttl = ttlOf(options, 'listState');
  const schema = schemaOf(options, 'listState');
  if (ttl !== undefined)
    return {
      kind: 'list',
      schema,
      ...ttlListCells(ttl),
      handle: (cursor, index): ListState<T> => new TtlListHandle<T>({ cursor, index, ttl }),
    };
  return {
    kind: 'list',
    schema,
    ttl,
    handle: (cursor, index) => new ListHandle<T>(cursor, index),
    pack: (cell) => (cell as ListCell).elements,
    unpack: (packed) =>
      Array.isArray(packed) ? new ListCell(packed) : refuseKind('a list', packed),
  };
}

class ListHandle<T> implements ListState<T> {
  readonly #cursor: SlotCursor;
  readonly #index: number;

  constructor(cursor: SlotCursor, index: number) {
    this.#cursor = cursor;
    this.#index = index;
  }

  get size(): number {
    return this.#cell?.elements.length ?? 0;
  }

  get(): readonly T[] {
    const cell = this.#cell;
    return cell === undefined ? noElements : this.#cursor.give(cell.give());
  }

  add(element: T): void {
    const cell = this.#cell;
    if (cell === undefined) {
      this.#cursor.write(this.#index, new ListCell([element]));
      return;
    }
    this.#cursor.touch();
    cell.own().push(element);
  }

  addAll(elements: Iterable<T>): void {
    for (const element of elements) this.add(element);
  }

  update(elements: Iterable<T>): void {
    const all = [...elements];
    if (all.length === 0) this.clear();
    else this.#cursor.write(this.#index, new ListCell(all));
  }

  clear(): void {
    clearCell(this.#cursor, this.#index);
  }

  get #cell(): ListCell<T> | undefined {
    return this.#cursor.read(this.#index) as ListCell<T> | undefined;
  }
}
