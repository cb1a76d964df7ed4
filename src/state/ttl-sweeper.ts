/**
 * The broom of states with a time to live: a little work per element, round and round over all keys, so that what
 * nobody reads any more does not stay for ever. Each round meets every key, so expired state is never more than what
 * one round lets in: about as much as is alive.
 */
import type { KeyedState, Slot } from '../core/operator.js';
import {
  areEmpty,
  cellAt,
  putCell,
  type Cells,
  type SlotCursor,
  type StateDeclaration,
  type StateDeclarations,
} from './handles.js';
import type { SweepTurn, SweptMap, Ttl } from './ttl.js';

/** Keys that are looked at per element. Two: with one the broom would only just keep up with new keys. */
const SLOTS_PER_TURN = 2;
/** Entries of maps that are looked at per element. */
const ENTRIES_PER_TURN = 8;

interface SweptState {
  readonly index: number;
  readonly ttl: Ttl;
  readonly sweep: NonNullable<StateDeclaration<unknown>['sweep']>;
}

export class TtlSweeper implements SweepTurn {
  readonly #store: KeyedState<Cells>;
  readonly #time: SlotCursor;
  readonly #states: readonly SweptState[];
  #round: IterableIterator<Slot<Cells>>;
  #slot: Slot<Cells> | undefined;
  /** Where in `#states` the slot in hand has been left off. */
  #at = 0;
  now = -Infinity;
  left = 0;
  rest: SweptMap | undefined;

  private constructor(cursor: SlotCursor, states: readonly SweptState[]) {
    this.#store = cursor.store;
    this.#time = cursor;
    this.#states = states;
    this.#round = cursor.store.slots();
  }

  /** A sweeper, if one of the states has a TTL with `cleanup: 'incremental'`. */
  static of(declarations: StateDeclarations, cursor: SlotCursor): TtlSweeper | undefined {
    const states = Object.values(declarations).flatMap(({ ttl, sweep }, index) =>
      ttl?.isSwept === true && sweep !== undefined ? [{ index, ttl, sweep }] : [],
    );
    return states.length === 0 ? undefined : new TtlSweeper(cursor, states);
  }

  read(index: number): unknown {
    return cellAt((this.#slot as Slot<Cells>).live, index);
  }

  write(index: number, value: unknown): void {
    this.touch();
    putCell((this.#slot as Slot<Cells>).live, index, value);
  }

  touch(): void {
    this.#store.touch(this.#slot as Slot<Cells>);
  }

  /** Does the work of one element. To be called when no user function runs. */
  turn(): void {
    this.left = ENTRIES_PER_TURN;
    // What is left of a large map is swept by a later round, should its slot have left the heap meanwhile.
    if (this.#slot !== undefined && !this.#store.holds(this.#slot)) this.#leaveSlot();
    for (let slots = 0; slots < SLOTS_PER_TURN; slots += 1) {
      this.#slot ??= this.#nextSlot();
      if (this.#slot === undefined || !this.#sweepSlot(this.#slot)) return;
      this.#slot = undefined;
    }
  }

  /** Returns whether all states of the slot have been looked at. */
  #sweepSlot(slot: Slot<Cells>): boolean {
    for (; this.#at < this.#states.length; this.#at += 1) {
      const { index, ttl, sweep } = this.#states[this.#at] as SweptState;
      this.now = ttl.now(this.#time);
      // Before the first watermark there is no telling what is old.
      if (this.now > -Infinity && !sweep(this, index)) return false;
      this.rest = undefined;
    }
    this.#at = 0;
    if (areEmpty(slot.live)) this.#store.release(slot);
    return true;
  }

  #leaveSlot(): void {
    this.#slot = undefined;
    this.rest = undefined;
    this.#at = 0;
  }

  #nextSlot(): Slot<Cells> | undefined {
    let next = this.#round.next();
    if (next.done === true) {
      this.#round = this.#store.slots();
      next = this.#round.next();
    }
    return next.done === true ? undefined : next.value;
  }
}
