/**
 * The slices of one key, ascending by start. Nearly all elements go to the newest slice, so that one lies in the open;
 * the others are kept in two small arrays side by side.
 */
import type { KeyedStateSpec } from '../core/operator.js';
import { LiveSlot } from '../state/slots.js';
import { TimeOrigin } from '../time/time-origin.js';

export class KeySlices extends LiveSlot {
  /** What the start of the newest slice is counted from. */
  origin: TimeOrigin = fromZero;
  /** Start of the newest slice, counted from the origin; means nothing when there is none. */
  from = 0;
  /** Slices in all. */
  size = 0;
  accumulator: unknown = undefined;
  /** Under which time the key waits, see `WakeBuckets`. Not part of the stored form. */
  waits = false;
  wake = 0;
  /** The merged slices of the next window but for its newest slide; means nothing without `hasTotal`. Not stored. */
  total: unknown = undefined;
  hasTotal = false;
  /** Whether the key has been without slices since it last had something to do. */
  lingers = false;
  #starts: number[] | undefined;
  #accumulators: unknown[] | undefined;

  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** Start of the newest slice, ms; NaN when there is none. */
  get start(): number {
    return this.size === 0 ? NaN : this.origin.ms + this.from;
  }

  /** Whether the newest slice is the only one. */
  get isSingle(): boolean {
    return this.size === 1;
  }

  /** The start of the oldest slice; NaN when there is none. */
  get oldest(): number {
    return this.size > 1 ? (this.#starts?.[0] as number) : this.start;
  }

  /** Opens a slice that is newer than all others. */
  open(start: number, accumulator: unknown): void {
    this.lingers = false;
    if (this.size > 0) {
      (this.#starts ??= []).push(this.start);
      (this.#accumulators ??= []).push(this.accumulator);
    }
    this.size += 1;
    this.from = start - this.origin.ms;
    this.accumulator = accumulator;
  }

  /** Counts from another origin from now on. */
  countFrom(origin: TimeOrigin): void {
    this.from += this.origin.ms - origin.ms;
    this.origin = origin;
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
    this.size += 1;
    starts.splice(-1 - index, 0, start);
    accumulators.splice(-1 - index, 0, accumulator);
  }

  /** Takes the oldest slice out and gives its accumulator. */
  shift(): unknown {
    if (this.size === 0) return undefined;
    this.size -= 1;
    if (this.size > 0) {
      this.#starts?.shift();
      return this.#accumulators?.shift();
    }
    const gone = this.accumulator;
    this.accumulator = undefined;
    return gone;
  }

  /** Forgets its only slice. */
  clear(): void {
    this.size = 0;
    this.accumulator = undefined;
    this.forgetTotal();
  }

  /** The start of a slice, counted from the oldest on. */
  startAt(index: number): number {
    return index < this.size - 1 ? (this.#starts?.[index] as number) : this.start;
  }

  accumulatorAt(index: number): unknown {
    return index < this.size - 1 ? this.#accumulators?.[index] : this.accumulator;
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
const fromZero = new TimeOrigin();

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
      const pairs = packed as [number, unknown][];
      // Near by, so that small numbers stay small; the operator puts in its own.
      live.origin = new TimeOrigin();
      live.origin.settle(pairs[0]?.[0] ?? 0);
      for (const [start, accumulator] of pairs) live.open(start, accumulator);
      return live;
    },
    isEmpty: (live) => live.isEmpty,
  };
}
