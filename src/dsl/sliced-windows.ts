/**
 * The operator behind `window` for aligned windows of event time under the default trigger: windows as slices.
 *
 *     slices of a key   [0,5) 3    [5,10) 1    [15,20) 2         one accumulator per slice that has elements
 *     window [0,15)     3 + 1                                    put together when the watermark passes 14
 *
 * No key has a timer. Keys wait in buckets, each under the next time at which the key has something to do: a window to
 * fire, slices to forget. The buckets are made anew from the slices after a restore, so nothing of them is stored.
 * Where an aggregator can take out again what it has put in, a key keeps a running total from window to window.
 */
import { MIN_WATERMARK } from '../core/flow.js';
import type {
  Budget,
  KeyCell,
  KeyedState,
  Operator,
  OperatorContext,
  Slot,
} from '../core/operator.js';
import { TimeHeap } from '../state/time-heap.js';
import type { SliceAssigner } from '../time/windows.js';
import type { Aggregator } from './aggregators.js';
import { KeySlices } from './key-slices.js';
import { timestampMissing } from './user-function.js';
import type { WindowOutput } from './window-function.js';

export interface SlicedWindowsOptions {
  readonly slices: SliceAssigner;
  readonly aggregator: Aggregator<unknown, unknown, unknown>;
  /** Finite. */
  readonly latenessMs: number;
  /** Tag of the side output for late elements. */
  readonly late: string | undefined;
  readonly output: WindowOutput;
}

/** How long a key without slices is kept, because most keys come back at once; ms of event time. */
const LINGER_MS = 60_000;

type WindowSlot = Slot<KeySlices>;

export class SlicedWindows implements Operator {
  readonly #context: OperatorContext;
  readonly #options: SlicedWindowsOptions;
  readonly #slices: SliceAssigner;
  readonly #aggregator: Aggregator<unknown, unknown, unknown>;
  readonly #store: KeyedState<KeySlices>;
  readonly #cell: KeyCell;
  readonly #output: WindowOutput;
  /** Whether keys keep running totals. */
  readonly #totals: boolean;
  readonly #lingerMs: number;
  /** The watermark up to which windows have fired: all that are due at it, once an advance is done. */
  #firedUpTo = MIN_WATERMARK;
  /** The end of the latest window that has fired, or would have; -Infinity before the first. */
  #lastFiredEnd = MIN_WATERMARK;
  /** The slice of the last element, its borders, and the watermark from which on it is too late. */
  #from = NaN;
  #to = NaN;
  #lateAt = NaN;
  /** Keys by the time at which they have something to do. A key that has moved on stays behind and is passed over. */
  readonly #buckets = new Map<number, WindowSlot[]>();
  readonly #times = new TimeHeap();
  #lastBucketAt = NaN;
  #lastBucket: WindowSlot[] = [];
  /** The bucket that an unfinished advance is at. */
  #firing: { readonly time: number; readonly slots: WindowSlot[]; at: number } | undefined;

  constructor(context: OperatorContext, options: SlicedWindowsOptions) {
    this.#context = context;
    this.#options = options;
    this.#slices = options.slices;
    this.#aggregator = options.aggregator;
    this.#output = options.output;
    this.#store = context.keyedState<KeySlices>();
    this.#cell = context.keyCell(0);
    this.#totals =
      options.aggregator.subtract !== undefined &&
      options.latenessMs === 0 &&
      options.slices.slicesPerWindow > 2;
    this.#lingerMs = Math.min(options.slices.slideMs, LINGER_MS);
    this.#hasFired(context.watermark());
    for (const slot of this.#store.slots()) this.#wakeNext(slot, this.#firedUpTo);
  }

  element(value: unknown, timestamp: number): void {
    const { counters } = this.#context;
    counters.received += 1;
    if (!(timestamp >= this.#from && timestamp < this.#to) && !this.#enterSlice(value, timestamp))
      return;
    if (this.#lateAt <= this.#firedUpTo) {
      this.#tooLate(value, timestamp);
      return;
    }
    const slot = this.#store.slot(this.#cell.key);
    this.#store.touch(slot);
    const { live } = slot;
    try {
      if (live.start === this.#from)
        live.accumulator = this.#aggregator.add(live.accumulator, value);
      else this.#addToOther(slot, value);
      if (this.#from < this.#lastFiredEnd) this.#addBehind(slot, value);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp });
    }
    counters.accepted += 1;
  }

  advance(time: number, budget: Budget): boolean {
    for (;;) {
      if (this.#firing === undefined) {
        const next = this.#times.peek();
        if (this.#times.size === 0 || next > time) break;
        this.#times.pop();
        this.#firing = { time: next, slots: this.#buckets.get(next) ?? [], at: 0 };
        this.#buckets.delete(next);
        if (this.#lastBucketAt === next) this.#lastBucketAt = NaN;
      }
      if (!this.#fireBucket(this.#firing, budget)) return false;
      this.#firing = undefined;
    }
    this.#hasFired(time);
    return true;
  }

  /** What `why` asks: how many keys wait, and the first time that one waits for. */
  waiting(): { count: number; earliest: number } {
    let count = 0;
    let earliest = Infinity;
    for (const [time, slots] of this.#buckets) {
      const here = slots.filter(({ live }) => live.wake === time && !live.isEmpty).length;
      count += here;
      if (here > 0 && time < earliest) earliest = time;
    }
    return { count, earliest };
  }

  #fireBucket(
    firing: { readonly time: number; readonly slots: WindowSlot[]; at: number },
    budget: Budget,
  ): boolean {
    const { time, slots } = firing;
    const end = this.#slices.isEnd(time + 1) ? time + 1 : NaN;
    const window = end === end ? this.#slices.windowEndingAt(end) : undefined;
    while (firing.at < slots.length) {
      if (budget.left <= 0) return false;
      const slot = slots[firing.at] as WindowSlot;
      firing.at += 1;
      if (slot.live.wake !== time) continue;
      budget.left -= 1;
      slot.live.wake = Infinity;
      if (window !== undefined && !slot.live.isEmpty) {
        this.#context.derive(slot.key, time);
        this.#fire(slot, window);
      }
      this.#forget(slot, time);
      this.#wakeNext(slot, time);
    }
    return true;
  }

  #hasFired(watermark: number): void {
    this.#firedUpTo = watermark;
    this.#lastFiredEnd = Number.isFinite(watermark)
      ? this.#slices.endAfter(watermark + 1) - this.#slices.slideMs
      : watermark;
  }

  /** Makes the slice of the timestamp the current one. Returns false when the element has been dealt with. */
  #enterSlice(value: unknown, timestamp: number): boolean {
    if (!Number.isFinite(timestamp)) {
      this.#context.reject(value, timestamp, timestampMissing(this.#context.name));
      return false;
    }
    const slice = this.#slices.sliceOf(timestamp);
    const lastEnd = this.#slices.lastEnd(slice);
    if (lastEnd > slice) {
      this.#from = slice;
      this.#to = slice + this.#slices.widthMs;
      this.#lateAt = lastEnd - 1 + this.#options.latenessMs;
      return true;
    }
    // Between two windows (slide > size): the element belongs to none.
    this.#from = NaN;
    this.#context.counters.filtered += 1;
    return false;
  }

  #tooLate(value: unknown, timestamp: number): void {
    this.#context.late(value, timestamp);
    if (this.#options.late !== undefined)
      this.#context.side(this.#options.late).element(value, timestamp);
  }

  /** Adds to a slice that is not the newest of its key, or to a new one. */
  #addToOther(slot: WindowSlot, value: unknown): void {
    const { live } = slot;
    const before = live.has(this.#from) ? live.get(this.#from) : this.#aggregator.create();
    const isNew = !live.has(this.#from);
    live.set(this.#from, this.#aggregator.add(before, value));
    if (isNew) this.#wakeAt(slot, this.#wakeOf(this.#from, this.#firedUpTo));
  }

  /** The slice has been part of windows that have fired: they say their new result, or the running total grows. */
  #addBehind(slot: WindowSlot, value: unknown): void {
    const { live } = slot;
    if (this.#totals) {
      if (live.hasTotal) live.total = this.#aggregator.add(live.total, value);
      return;
    }
    const { latenessMs } = this.#options;
    if (latenessMs === 0) return;
    const slices = this.#slices;
    const stop = Math.min(slices.lastEnd(this.#from), this.#firedUpTo + 1);
    for (let end = slices.firstEnd(this.#from); end <= stop; end = slices.nextEnd(end))
      if (end - 1 + latenessMs > this.#firedUpTo) this.#fire(slot, slices.windowEndingAt(end));
  }

  /** When a key must be looked at for the sake of one slice: its next window to fire, or the time to forget it. */
  #wakeOf(slice: number, firedUpTo: number): number {
    const slices = this.#slices;
    const lastEnd = slices.lastEnd(slice);
    const first = slices.firstEnd(slice);
    const end = first - 1 > firedUpTo ? first : slices.endAfter(firedUpTo + 1);
    return end <= lastEnd ? end - 1 : lastEnd - 1 + this.#options.latenessMs;
  }

  /** Puts a key under the next time at which it has something to do; one without slices goes after a while. */
  #wakeNext(slot: WindowSlot, firedUpTo: number): void {
    const { live } = slot;
    if (!live.isEmpty) {
      let earliest = Infinity;
      live.eachStart((start) => {
        earliest = Math.min(earliest, this.#wakeOf(start, firedUpTo));
      });
      this.#wakeAt(slot, earliest);
    } else if (live.lingers || this.#lingerMs === 0 || firedUpTo === MIN_WATERMARK) {
      this.#store.release(slot);
    } else {
      live.lingers = true;
      this.#wakeAt(slot, firedUpTo + this.#lingerMs);
    }
  }

  #wakeAt(slot: WindowSlot, time: number): void {
    if (time >= slot.live.wake) return;
    slot.live.wake = time;
    if (this.#lastBucketAt !== time) {
      let bucket = this.#buckets.get(time);
      if (bucket === undefined) {
        bucket = [];
        this.#buckets.set(time, bucket);
        this.#times.push(time);
      }
      this.#lastBucketAt = time;
      this.#lastBucket = bucket;
    }
    this.#lastBucket.push(slot);
  }

  /** Drops the slices that no window may ask for any more. They are the oldest ones. */
  #forget(slot: WindowSlot, time: number): void {
    const { live } = slot;
    for (;;) {
      const oldest = live.oldest;
      if (live.isEmpty) return;
      if (this.#slices.lastEnd(oldest) - 1 + this.#options.latenessMs > time) return;
      this.#store.touch(slot);
      const gone = live.shift();
      if (live.hasTotal) live.total = this.#aggregator.subtract?.(live.total, gone);
      if (live.isEmpty || live.oldest > time) live.forgetTotal();
    }
  }

  #fire({ key, live }: WindowSlot, window: { readonly start: number; readonly end: number }): void {
    const { start, end } = window;
    let value: unknown;
    try {
      if (live.isSingle) {
        if (live.start < start || live.start >= end) return;
        value = this.#aggregator.result(live.accumulator);
      } else {
        const found = this.#totals
          ? this.#runningTotal(live, start, end)
          : this.#merged(live, start, end);
        if (!found) return;
        value = this.#aggregator.result(this.#found);
      }
    } catch (cause) {
      this.#context.fail(cause, { key, timestamp: end - 1 });
    }
    this.#output.emit(key, window, value, end - 1);
  }

  /** What `#merged` and `#runningTotal` have found. */
  #found: unknown;

  #merged(live: KeySlices, start: number, end: number): boolean {
    let found = 0;
    live.each((at, accumulator) => {
      if (at < start || at >= end) return;
      // A slice is never handed to merge as its first argument, because merge may change that.
      if (found === 0) this.#found = accumulator;
      else if (found === 1)
        this.#found = this.#aggregator.merge(
          this.#aggregator.merge(this.#aggregator.create(), this.#found),
          accumulator,
        );
      else this.#found = this.#aggregator.merge(this.#found, accumulator);
      found += 1;
    });
    return found > 0;
  }

  /** The total holds the slices before the window's newest slide; those of the slide are put in now. */
  #runningTotal(live: KeySlices, start: number, end: number): boolean {
    const from = live.hasTotal ? end - this.#slices.slideMs : start;
    let total = live.hasTotal ? live.total : undefined;
    let found = live.hasTotal;
    live.each((at, accumulator) => {
      if (at < from || at >= end) return;
      total = this.#aggregator.merge(found ? total : this.#aggregator.create(), accumulator);
      found = true;
    });
    this.#found = total;
    if (found) live.keepTotal(total);
    return found;
  }
}
