/**
 * What a window is worth: the slices of a key, put together.
 *
 * Where the aggregator can take out again what it has put in, a key keeps a total from window to window, so that a
 * window costs two steps whatever the overlap. Otherwise its slices are merged anew.
 */
import type { SliceAssigner, TimeWindow } from '../time/windows.js';
import type { Aggregator } from './aggregators.js';
import type { KeySlices } from './key-slices.js';

export class SliceSums {
  readonly #aggregator: Aggregator<unknown, unknown, unknown>;
  readonly #slideMs: number;
  /** Whether keys keep running totals. Not under lateness: slices are then kept beyond their last window. */
  readonly keepsTotals: boolean;
  /** What `of` has found. */
  found: unknown;

  constructor(
    aggregator: Aggregator<unknown, unknown, unknown>,
    slices: SliceAssigner,
    latenessMs: number,
  ) {
    this.#aggregator = aggregator;
    this.#slideMs = slices.slideMs;
    this.keepsTotals =
      aggregator.subtract !== undefined && latenessMs === 0 && slices.slicesPerWindow > 2;
  }

  /** Puts the slices of a window together, into `found`. Returns false when there are none. */
  of(live: KeySlices, { start, end }: TimeWindow): boolean {
    return this.keepsTotals ? this.#runningTotal(live, start, end) : this.#merged(live, start, end);
  }

  #merged(live: KeySlices, start: number, end: number): boolean {
    const aggregator = this.#aggregator;
    let found = 0;
    for (let index = 0; index < live.size; index += 1) {
      const at = live.startAt(index);
      if (at < start) continue;
      if (at >= end) break;
      const accumulator = live.accumulatorAt(index);
      // A slice is never handed to merge as its first argument, because merge may change that.
      if (found === 0) this.found = accumulator;
      else {
        if (found === 1) this.found = aggregator.merge(aggregator.create(), this.found);
        this.found = aggregator.merge(this.found, accumulator);
      }
      found += 1;
    }
    return found > 0;
  }

  /** The total holds the slices before the window's newest slide; those of the slide are put in now. */
  #runningTotal(live: KeySlices, start: number, end: number): boolean {
    const aggregator = this.#aggregator;
    let found = live.hasTotal;
    let total = found ? live.total : undefined;
    const from = found ? end - this.#slideMs : start;
    // From the newest on: mostly one or two slices are looked at.
    for (let index = live.size - 1; index >= 0; index -= 1) {
      const at = live.startAt(index);
      if (at >= end) continue;
      if (at < from) break;
      total = aggregator.merge(found ? total : aggregator.create(), live.accumulatorAt(index));
      found = true;
    }
    this.found = total;
    if (found) live.keepTotal(total);
    return found;
  }
}
