/**
 * The slices of one key, ascending by start. Nearly all elements go to the newest slice, so that one lies in the open;
 * the others are kept in two small arrays side by side.
 */
import type { KeyedStateSpec } from '../core/operator.js';

export class KeySlices {
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

  has(start: number): boolean {
    return this.start === start || (this.#starts?.includes(start) ?? false);
  }

  get(start: number): unknown {
    if (this.start === start) return this.accumulator;
    return this.#accumulators?.[this.#starts?.indexOf(start) ?? -1];
  }

  set(start: number, accumulator: unknown): void {
    this.lingers = false;
    if (this.start === start || this.isEmpty) {
      this.start = start;
      this.accumulator = accumulator;
      return;
    }
    const starts = (this.#starts ??= []);
    const accumulators = (this.#accumulators ??= []);
    if (start > this.start) {
      starts.push(this.start);
      accumulators.push(this.accumulator);
      this.start = start;
      this.accumulator = accumulator;
      return;
    }
    let at = starts.length;
    while (at > 0 && (starts[at - 1] as number) > start) at -= 1;
    if (starts[at - 1] === start) {
      accumulators[at - 1] = accumulator;
      return;
    }
    starts.splice(at, 0, start);
    accumulators.splice(at, 0, accumulator);
  }

  /** Takes the oldest slice out and gives its accumulator. */
  shift(): unknown {
    if (!this.isSingle) {
      this.#starts?.shift();
      return this.#accumulators?.shift();
    }
    const gone = this.accumulator;
    this.start = NaN;
    this.accumulator = undefined;
    return gone;
  }

  /** Calls `visit` for each slice, ascending. */
  each(visit: (start: number, accumulator: unknown) => void): void {
    const starts = this.#starts;
    if (starts !== undefined)
      for (let at = 0; at < starts.length; at += 1)
        visit(starts[at] as number, this.#accumulators?.[at]);
    if (!this.isEmpty) visit(this.start, this.accumulator);
  }

  eachStart(visit: (start: number) => void): void {
    for (const start of this.#starts ?? []) visit(start);
    if (!this.isEmpty) visit(this.start);
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

/** How the slices of a key are kept: pairs of start and accumulator, ascending. */
export function keySlicesSpec(): KeyedStateSpec<KeySlices> {
  return {
    create: () => new KeySlices(),
    pack(live) {
      const pairs: [number, unknown][] = [];
      live.each((start, accumulator) => pairs.push([start, accumulator]));
      return pairs;
    },
    unpack(packed) {
      const live = new KeySlices();
      for (const [start, accumulator] of packed as [number, unknown][])
        live.set(start, accumulator);
      return live;
    },
    isEmpty: (live) => live.isEmpty,
  };
}
