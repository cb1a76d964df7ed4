/** Lists, and lists with a time to live: a stamp per element, beside the elements. */
import { refuseKind, type StateDeclaration } from './handles.js';
import type { SweepTurn, Ttl } from './ttl.js';
import { clearCell, type TtlPlace } from './ttl-value.js';

export const noElements: readonly never[] = Object.freeze([]);

/**
 * Elements, and whether user code may still hold the array. One that has been given out is never changed again: it may
 * have been emitted, and would otherwise grow in the hands of a step or sink behind.
 */
export class ListCell<T = unknown> {
  elements: T[];
  #isGiven = false;

  constructor(elements: T[]) {
    this.elements = elements;
  }

  give(): readonly T[] {
    this.#isGiven = true;
    return this.elements;
  }

  /** The array, to be changed. */
  own(): T[] {
    if (this.#isGiven) {
      this.elements = this.elements.slice();
      this.#isGiven = false;
    }
    return this.elements;
  }
}

/** A list with a stamp per element, in the same order. */
export class TtlListCell<T = unknown> extends ListCell<T> {
  stamps: number[];
  /** No stamp is less, so nothing has expired before it has; -Infinity while one is not known. */
  oldest = Infinity;

  constructor(elements: T[], stamps: number[]) {
    super(elements);
    this.stamps = stamps;
    this.restamp(stamps);
  }

  restamp(stamps: number[]): void {
    this.stamps = stamps;
    this.oldest = Infinity;
    for (const stamp of stamps) this.#note(stamp);
  }

  add(element: T, stamp: number): void {
    this.own().push(element);
    this.stamps.push(stamp);
    this.#note(stamp);
  }

  /** A cell of the elements that are alive; undefined for none. */
  alive(ttl: Ttl, now: number): TtlListCell<T> | undefined {
    const elements: T[] = [];
    const stamps: number[] = [];
    for (const [index, stamp] of this.stamps.entries()) {
      if (ttl.isExpired(stamp, now)) continue;
      elements.push(this.elements[index] as T);
      stamps.push(stamp);
    }
    return elements.length === 0 ? undefined : new TtlListCell(elements, stamps);
  }

  #note(stamp: number): void {
    if (!(stamp >= this.oldest)) this.oldest = Number.isNaN(stamp) ? -Infinity : stamp;
  }
}

/** How a declaration keeps a list with stamps. */
export function ttlListCells(
  ttl: Ttl,
): Pick<StateDeclaration<unknown>, 'ttl' | 'pack' | 'unpack' | 'sweep'> {
  return {
    ttl,
    pack(cell) {
      const { stamps, elements } = cell as TtlListCell;
      return [stamps, elements];
    },
    unpack(packed, stamps) {
      if (!Array.isArray(packed)) return refuseKind('a list', packed);
      return new TtlListCell(
        packed,
        Array.isArray(stamps) ? (stamps as number[]) : packed.map(() => NaN),
      );
    },
    sweep(turn, index) {
      const cell = turn.read(index) as TtlListCell | undefined;
      if (cell !== undefined) sweepList(cell, { ttl, turn, index });
      return true;
    },
  };
}

/**
 * Drops expired elements, not one by one, but when the oldest has been gone for a quarter of the TTL: dropping copies
 * what is left, so each element is copied a few times at most, however long the list.
 */
function sweepList(
  cell: TtlListCell,
  { ttl, turn, index }: { ttl: Ttl; turn: SweepTurn; index: number },
): void {
  const { now } = turn;
  if (!ttl.isExpired(cell.oldest, now - ttl.afterMs / 4)) return;
  const stamps = cell.stamps.map((stamp) => (Number.isNaN(stamp) ? now : stamp));
  turn.write(index, new TtlListCell(cell.elements, stamps).alive(ttl, now));
}

/** The handle of a `listState` with a TTL. */
export class TtlListHandle<T> {
  readonly #place: TtlPlace;

  constructor(place: TtlPlace) {
    this.#place = place;
  }

  get size(): number {
    return this.#cell?.elements.length ?? 0;
  }

  get(): readonly T[] {
    const { cursor, index, ttl } = this.#place;
    const cell = this.#cell;
    if (cell === undefined) return noElements;
    const now = ttl.now(cursor);
    const alive = ttl.isExpired(cell.oldest, now) ? cell.alive(ttl, now) : cell;
    if (alive === undefined) cursor.write(index, undefined);
    else if (ttl.stampsReads) this.#restamp(alive);
    const given = ttl.givesExpired ? cell : alive;
    return given === undefined ? noElements : cursor.give(given.give());
  }

  add(element: T): void {
    const { cursor, index, ttl } = this.#place;
    const cell = this.#cell;
    const stamp = ttl.stamp(cursor);
    if (cell === undefined) cursor.write(index, new TtlListCell([element], [stamp]));
    else {
      cursor.touch();
      cell.add(element, stamp);
    }
  }

  addAll(elements: Iterable<T>): void {
    for (const element of elements) this.add(element);
  }

  update(elements: Iterable<T>): void {
    const { cursor, index, ttl } = this.#place;
    const all = [...elements];
    const stamp = ttl.stamp(cursor);
    if (all.length === 0) this.clear();
    else {
      const stamps = all.map(() => stamp);
      cursor.write(index, new TtlListCell(all, stamps));
    }
  }

  clear(): void {
    clearCell(this.#place.cursor, this.#place.index);
  }

  /** A read that stamps keeps the living alone, with their new stamps. */
  #restamp(alive: TtlListCell<T>): void {
    const { cursor, index, ttl } = this.#place;
    const stamp = ttl.stamp(cursor);
    const stamps = alive.stamps.map((former) => ttl.later(former, stamp));
    if (alive === this.#cell && stamps.every((one, at) => Object.is(one, alive.stamps[at]))) return;
    cursor.write(index, alive);
    alive.restamp(stamps);
  }

  get #cell(): TtlListCell<T> | undefined {
    return this.#place.cursor.read(this.#place.index) as TtlListCell<T> | undefined;
  }
}
