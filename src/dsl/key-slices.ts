/**
 * The slices of one key, ascending by start. Nearly all elements go to the newest slice, so that one lies in the open;
 * the others are kept in two small arrays side by side.
 */
import type { KeyedStateSpec } from '../core/operator.js';
import { LiveSlot } from '../state/slots.js';

export class KeySlices extends LiveSlot {
  /**
   * The operator's number for the newest slice, 0 where it has given none: a small integer is compared without another
   * look into memory, as a time is not.
   */
  sliceNumber = 0;
  /** Start of the newest slice, ms; NaN when there is none. */
  start = NaN;
  accumulator: unknown = undefined;
  /** The time under which the key waits, ms; Infinity for none. Not part of the stored form. */
  wake = Infinity;
  /** The merged slices of the next window but for its newest slide; means nothing without `hasTotal`. Not stored. */
  total: unknown = undefined;
  hasTotal = false;
  /** Whether the key has been without slices since it last had something to do. */
  lingers = false;
  #starts: number[] | undefined;
  #accumulators: unknown[] | undefined;

  get isEmpty(): boolean {
    return this.start !== this.start;
  }

  /** Whether the newest slice is the only one. */
  get isSingle(): boolean {
    return this.#starts === undefined || this.#starts.length === 0;
  }

  /** The start of the oldest slice; NaN when there is none. */
  get oldest(): number {
    return this.#starts?.[0] ?? this.start;
  }

  /** Opens a slice that is newer than all others. */
  open(start: number, accumulator: unknown): void {
    this.lingers = false;
    if (!this.isEmpty) {
      (this.#starts ??= []).push(this.start);
      (this.#accumulators ??= []).push(this.accumulator);
    }
    this.sliceNumber = 0;
    this.start = start;
    this.accumulator = accumulator;
  }

  /** Where an older slice is among the older ones: its index, or -1 - the index where it would be put. */
  find(start: number): number {
    const starts = this.#starts ?? none;
    let at = starts.length;
    while (at > 0 && (starts[at - 1] as number) > start) at -= 1;
    return starts[at - 1] === start ? at - 1 : -1 - at;
  }

  at(index: number): unknown {
    return this.#accumulators?.[index];
  }

  /** Puts an accumulator where `find` has said. */
  put(index: number, start: number, accumulator: unknown): void {
    const starts = (this.#starts ??= []);
    const accumulators = (this.#accumulators ??= []);
    if (index >= 0) {
      accumulators[index] = accumulator;
      return;
    }
    starts.splice(-1 - index, 0, start);
    accumulators.splice(-1 - index, 0, accumulator);
  }

  /** Takes the oldest slice out and gives its accumulator. */
  shift(): unknown {
    if (!this.isSingle) {
      this.#starts?.shift();
      return this.#accumulators?.shift();
    }
    const gone = this.accumulator;
    this.sliceNumber = 0;
    this.start = NaN;
    this.accumulator = undefined;
    return gone;
  }

  /** Slices, from the oldest on: their number, and what each is. */
  get size(): number {
    return this.isEmpty ? 0 : 1 + (this.#starts?.length ?? 0);
  }

  startAt(index: number): number {
    return this.#starts?.[index] ?? this.start;
  }

  accumulatorAt(index: number): unknown {
    const older = this.#accumulators;
    return older !== undefined && index < older.length ? older[index] : this.accumulator;
  }

  keepTotal(total: unknown): void {
    this.total = total;
    this.hasTotal = true;
  }

  forgetTotal(): void {
    this.total = undefined;
    this.hasTotal = false;
  }
}

const none: readonly number[] = [];

/** How the slices of a key are kept: pairs of start and accumulator, ascending. */
export function keySlicesSpec(): KeyedStateSpec<KeySlices> {
  return {
    create: () => new KeySlices(),
    pack(live) {
      const pairs: [number, unknown][] = [];
      for (let at = 0; at < live.size; at += 1)
        pairs.push([live.startAt(at), live.accumulatorAt(at)]);
      return pairs;
    },
    unpack(packed) {
      const live = new KeySlices();
      for (const [start, accumulator] of packed as [number, unknown][])
        live.open(start, accumulator);
      return live;
    },
    isEmpty: (live) => live.isEmpty,
  };
}
