/**
 * The operator behind `window`: aligned windows as slices.
 *
 *     panes of a key    [0,5) 3    [5,10) 1    [15,20) 2         one accumulator per slice that has elements
 *     window [0,15)     3 + 1                                    merged when the watermark passes 14
 *
 * A key has at most a few timers, whatever the overlap: the next window end that has something to say, and (with
 * allowed lateness) the time when each pane may be forgotten. Firing a window sets the timer of the next one.
 */
import { MIN_WATERMARK } from '../core/flow.js';
import { TidemarkError } from '../core/errors.js';
import type {
  Budget,
  KeyCell,
  KeyedState,
  KeyedStateSpec,
  Operator,
  OperatorContext,
  Slot,
} from '../core/operator.js';
import type { SliceAssigner } from '../time/windows.js';
import type { Aggregator } from './aggregators.js';

/** The slices of a key that have elements, ascending by start. */
export interface Panes<Accumulator> {
  readonly panes: Pane<Accumulator>[];
}

interface Pane<Accumulator> {
  readonly start: number;
  accumulator: Accumulator;
}

export interface SlicedWindowsOptions<Accumulator> {
  readonly slices: SliceAssigner;
  readonly aggregator: Aggregator<unknown, Accumulator, unknown>;
  readonly latenessMs: number;
  /** Tag of the side output for late elements. */
  readonly late: string | undefined;
}

export function windowStateSpec<Accumulator>(): KeyedStateSpec<Panes<Accumulator>> {
  return {
    create: () => ({ panes: [] }),
    pack: ({ panes }) => panes.map(({ start, accumulator }) => [start, accumulator]),
    unpack: (packed) => ({
      panes: (packed as [number, Accumulator][]).map(([start, accumulator]) => ({
        start,
        accumulator,
      })),
    }),
    isEmpty: ({ panes }) => panes.length === 0,
  };
}

export class SlicedWindows<Accumulator> implements Operator {
  readonly #context: OperatorContext;
  readonly #options: SlicedWindowsOptions<Accumulator>;
  readonly #slices: SliceAssigner;
  readonly #store: KeyedState<Panes<Accumulator>>;
  readonly #cell: KeyCell;
  /** The watermark up to which windows have fired: all that are due at it, once an advance is done. */
  #firedUpTo = MIN_WATERMARK;
  /** The slice of the last element and the end of its last window: neighbours mostly share them. */
  #slice = NaN;
  #lastEnd = NaN;

  constructor(context: OperatorContext, options: SlicedWindowsOptions<Accumulator>) {
    this.#context = context;
    this.#options = options;
    this.#slices = options.slices;
    this.#store = context.keyedState<Panes<Accumulator>>();
    this.#cell = context.keyCell(0);
    this.#firedUpTo = context.watermark();
  }

  element(value: unknown, timestamp: number): void {
    const { counters } = this.#context;
    counters.received += 1;
    const slice = this.#slice;
    if (
      !(timestamp >= slice && timestamp < slice + this.#slices.widthMs) &&
      !this.#enterSlice(value, timestamp)
    )
      return;
    if (this.#lastEnd - 1 + this.#options.latenessMs <= this.#firedUpTo) {
      this.#tooLate(value, timestamp);
      return;
    }
    const slot = this.#store.slot(this.#cell.key);
    this.#store.touch(slot);
    const pane = this.#paneOf(slot, this.#slice);
    try {
      pane.accumulator = this.#options.aggregator.add(pane.accumulator, value);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp });
    }
    counters.accepted += 1;
    if (this.#slice <= this.#firedUpTo) this.#fireAgain(slot);
  }

  advance(time: number, budget: Budget): boolean {
    const timers = this.#store.timers.event;
    for (;;) {
      if (timers.next() > time) break;
      if (budget.left <= 0) return false;
      const slot = timers.take(time);
      if (slot === undefined) break;
      budget.left -= 1;
      this.#onTimer(slot, timers.firedTime);
    }
    this.#firedUpTo = time;
    return true;
  }

  /** Makes the slice of the timestamp the current one. Returns false when the element has been dealt with. */
  #enterSlice(value: unknown, timestamp: number): boolean {
    if (timestamp !== timestamp) {
      this.#context.reject(value, timestamp, timestampMissing(this.#context.name));
      return false;
    }
    this.#slice = this.#slices.sliceOf(timestamp);
    this.#lastEnd = this.#slices.lastEnd(this.#slice);
    if (this.#lastEnd > this.#slice) return true;
    // Between two windows (slide > size): the element belongs to none.
    this.#slice = NaN;
    this.#context.counters.filtered += 1;
    return false;
  }

  #tooLate(value: unknown, timestamp: number): void {
    this.#context.late(value, timestamp);
    if (this.#options.late !== undefined)
      this.#context.side(this.#options.late).element(value, timestamp);
  }

  /** The pane of a slice; mostly the newest one. A new pane sets the timers that will need it. */
  #paneOf(slot: Slot<Panes<Accumulator>>, slice: number): Pane<Accumulator> {
    const { panes } = slot.live;
    let index = panes.length - 1;
    for (; index >= 0; index -= 1) {
      const pane = panes[index];
      if (pane === undefined || pane.start < slice) break;
      if (pane.start === slice) return pane;
    }
    const pane = { start: slice, accumulator: this.#options.aggregator.create() };
    panes.splice(index + 1, 0, pane);
    const { event } = this.#store.timers;
    const end = this.#unfiredEnd(slice, this.#firedUpTo);
    if (end !== undefined) event.set(slot, end - 1);
    if (this.#options.latenessMs > 0)
      event.set(slot, this.#slices.lastEnd(slice) - 1 + this.#options.latenessMs);
    return pane;
  }

  /** The end of the earliest window that holds the slice and fires after `time`. */
  #unfiredEnd(slice: number, time: number): number | undefined {
    const first = this.#slices.firstEnd(slice);
    const end = first - 1 > time ? first : this.#slices.endAfter(time + 1);
    return end <= this.#slices.lastEnd(slice) ? end : undefined;
  }

  /** A late but allowed element: the windows of its slice that have fired already say their new result at once. */
  #fireAgain(slot: Slot<Panes<Accumulator>>): void {
    const { latenessMs } = this.#options;
    const stop = Math.min(this.#lastEnd, this.#firedUpTo + 1);
    for (let end = this.#slices.firstEnd(this.#slice); end <= stop; end = this.#slices.nextEnd(end))
      if (end - 1 + latenessMs > this.#firedUpTo) this.#fire(slot, end);
  }

  #onTimer(slot: Slot<Panes<Accumulator>>, time: number): void {
    this.#context.derive(slot.key, time);
    const end = time + 1;
    if (this.#slices.isEnd(end)) this.#fire(slot, end);
    this.#store.touch(slot);
    this.#forget(slot, time);
    this.#setNextTimer(slot, time);
    this.#store.release(slot);
  }

  /** Drops the panes that no window may ask for any more. They are the oldest ones. */
  #forget({ live: { panes } }: Slot<Panes<Accumulator>>, time: number): void {
    let expired = 0;
    for (const { start } of panes) {
      if (this.#slices.lastEnd(start) - 1 + this.#options.latenessMs > time) break;
      expired += 1;
    }
    if (expired > 0) panes.splice(0, expired);
  }

  #setNextTimer(slot: Slot<Panes<Accumulator>>, time: number): void {
    let earliest = Infinity;
    for (const { start } of slot.live.panes) {
      const end = this.#unfiredEnd(start, time) ?? Infinity;
      if (end < earliest) earliest = end;
    }
    if (earliest !== Infinity) this.#store.timers.event.set(slot, earliest - 1);
  }

  #fire({ key, live: { panes } }: Slot<Panes<Accumulator>>, end: number): void {
    const window = this.#slices.windowEndingAt(end);
    const { aggregator } = this.#options;
    let found = 0;
    let merged: Accumulator | undefined;
    let value: unknown;
    try {
      for (const pane of panes) {
        if (pane.start < window.start) continue;
        if (pane.start >= end) break;
        // A pane is never handed to merge as its first argument, because merge may change that.
        if (found === 0) merged = pane.accumulator;
        else if (found === 1)
          merged = aggregator.merge(
            aggregator.merge(aggregator.create(), merged as Accumulator),
            pane.accumulator,
          );
        else merged = aggregator.merge(merged as Accumulator, pane.accumulator);
        found += 1;
      }
      if (found === 0) return;
      value = aggregator.result(merged as Accumulator);
    } catch (cause) {
      this.#context.fail(cause, { key, timestamp: end - 1 });
    }
    this.#context.output.element({ key, window, value }, end - 1);
  }
}

function timestampMissing(where: string): TidemarkError {
  return new TidemarkError('TIMESTAMP_INVALID', {
    expected: 'an element with event time',
    got: 'an element without one',
    where,
    hint: 'What a processing-time timer emits carries no event time; use an event-time timer, or a window before it.',
  });
}
