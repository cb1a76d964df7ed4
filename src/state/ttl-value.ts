/** One value with a time to live: what value, reducing and aggregating states keep when they have one. */
import { stampOf, type SlotCursor, type StateDeclaration } from './handles.js';
import { Stamped, type SweepTurn, type Ttl } from './ttl.js';

/** Where the handle of a state with a TTL finds its cell. */
export interface TtlPlace {
  readonly cursor: SlotCursor;
  readonly index: number;
  readonly ttl: Ttl;
}

/** How a declaration keeps one stamped value per key. */
export function stampedCells(
  ttl: Ttl,
): Pick<StateDeclaration<unknown>, 'ttl' | 'pack' | 'unpack' | 'sweep'> {
  return {
    ttl,
    pack(cell) {
      const { stamp, value } = cell as Stamped;
      return [stamp, value];
    },
    unpack: (packed, stamps) => new Stamped(packed, stampOf(stamps)),
    sweep(turn, index) {
      const cell = turn.read(index) as Stamped | undefined;
      if (cell !== undefined && sweepStamped(cell, ttl, turn)) turn.write(index, undefined);
      return true;
    },
  };
}

/** Stamps a value whose age nobody knows, else says whether it has expired; `turn` has been told of the change. */
export function sweepStamped(cell: Stamped, ttl: Ttl, turn: SweepTurn): boolean {
  const isUnknown = Number.isNaN(cell.stamp);
  if (!isUnknown && !ttl.isExpired(cell.stamp, turn.now)) return false;
  turn.touch();
  if (isUnknown) cell.stamp = turn.now;
  return !isUnknown;
}

/** Reads a cell by the rules of its TTL: an expired one is removed, a live one may be stamped. */
export function readStamped<T>({ cursor, index, ttl }: TtlPlace): Stamped<T> | undefined {
  const cell = cursor.read(index) as Stamped<T> | undefined;
  if (cell === undefined) return undefined;
  if (ttl.isExpired(cell.stamp, ttl.now(cursor))) {
    cursor.write(index, undefined);
    return ttl.givesExpired ? cell : undefined;
  }
  if (ttl.stampsReads) restamp(cell, ttl, cursor);
  return cell;
}

/** The value that a write adds to: an expired one counts while it is stored and may be seen. */
export function valueToAddTo<T>({ cursor, index, ttl }: TtlPlace): T | undefined {
  const cell = cursor.read(index) as Stamped<T> | undefined;
  if (cell === undefined) return undefined;
  return ttl.givesExpired || !ttl.isExpired(cell.stamp, ttl.now(cursor)) ? cell.value : undefined;
}

export function writeStamped({ cursor, index, ttl }: TtlPlace, value: unknown): void {
  const cell = cursor.read(index) as Stamped | undefined;
  const stamp = ttl.stamp(cursor);
  if (cell === undefined) {
    cursor.write(index, new Stamped(value, stamp));
    return;
  }
  cursor.touch();
  cell.value = value;
  cell.stamp = ttl.later(cell.stamp, stamp);
}

/** Stamps what is read. Nothing is changed, and so nothing saved again, where the stamp stays as it is. */
export function restamp(cell: Stamped, ttl: Ttl, cursor: SlotCursor): void {
  const stamp = ttl.later(cell.stamp, ttl.stamp(cursor));
  if (Object.is(stamp, cell.stamp)) return;
  cursor.touch();
  cell.stamp = stamp;
}

export function clearCell(cursor: SlotCursor, index: number): void {
  if (cursor.read(index) !== undefined) cursor.write(index, undefined);
}

/** The handle of a `valueState` with a TTL. */
export class TtlValueHandle<T> {
  readonly #place: TtlPlace;
  readonly #initial: T | (() => T);

  constructor(place: TtlPlace, initial: T | (() => T)) {
    this.#place = place;
    this.#initial = initial;
  }

  get(): T {
    const cell = readStamped<T>(this.#place);
    return this.#place.cursor.give(cell === undefined ? initialOf(this.#initial) : cell.value);
  }

  set(value: T): void {
    if (value === undefined) this.clear();
    else writeStamped(this.#place, value);
  }

  clear(): void {
    clearCell(this.#place.cursor, this.#place.index);
  }
}

/** A plain initial value, or a fresh one. */
export function initialOf<T>(initial: T | (() => T)): T {
  return typeof initial === 'function' ? (initial as () => T)() : initial;
}
