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
import { fresh } from '../core/fresh.js';
import type { Budget, KeyCell, KeyedState, Operator, OperatorContext } from '../core/operator.js';
import { REMOVED } from '../state/slots.js';
import { TimeOrigin } from '../time/time-origin.js';
import { WakeBuckets } from '../time/wake-buckets.js';
import type { SliceAssigner, TimeWindow } from '../time/windows.js';
import type { Aggregator } from './aggregators.js';
import { CurrentSlice } from './current-slice.js';
import { addingToSlice, firingSlices, type SliceFiring } from './hot-elements.js';
import type { KeySlices } from './key-slices.js';
import { timestampMissing } from './user-function.js';
import { SliceSums } from './slice-sums.js';
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

export class SlicedWindows implements Operator {
  readonly element: (value: unknown, timestamp: number) => void;
  readonly #fireBucket: (firing: SliceFiring, budget: Budget) => boolean;
  readonly #context: OperatorContext;
  readonly #options: SlicedWindowsOptions;
  readonly #slices: SliceAssigner;
  readonly #aggregator: Aggregator<unknown, unknown, unknown>;
  readonly #store: KeyedState<KeySlices>;
  readonly #cell: KeyCell;
  readonly #sums: SliceSums;
  readonly #lingerMs: number;
  /** The watermark up to which windows have fired: all that are due at it, once an advance is done. */
  #firedUpTo = MIN_WATERMARK;
  /** The end of the latest window that has fired, or would have; -Infinity before the first. */
  #lastFiredEnd = MIN_WATERMARK;
  readonly #origin = new TimeOrigin();
  readonly #slice: CurrentSlice;
  /** When a key must be looked at that opens the current slice; NaN while it has not been computed. */
  #wakeOfCurrent = NaN;
  /** Keys by the time at which they have something to do. */
  readonly #buckets = new WakeBuckets<KeySlices>(this.#origin);
  /** The bucket that an unfinished advance is at. */
  #firing: SliceFiring | undefined;

  constructor(context: OperatorContext, options: SlicedWindowsOptions) {
    this.#context = context;
    this.#options = options;
    this.#slices = options.slices;
    this.#aggregator = options.aggregator;
    this.#store = context.keyedState<KeySlices>();
    this.#cell = context.keyCell(0);
    this.#slice = new CurrentSlice(options.slices, options.latenessMs, this.#origin);
    this.#sums = new SliceSums(options.aggregator, options.slices, options.latenessMs);
    this.#lingerMs = Math.min(options.slices.slideMs, LINGER_MS);
    this.#hasFired(context.watermark());
    for (const { live } of this.#store.slots()) {
      this.#origin.settle(live.start);
      live.countFrom(this.#origin);
      this.#wakeNext(live, this.#firedUpTo);
    }
    const hot = {
      store: this.#store,
      aggregator: options.aggregator,
      failed: (cause: unknown, key: unknown, timestamp: number): never =>
        context.fail(cause, { key, timestamp }),
    };
    this.element = fresh(
      addingToSlice,
      context.name,
    )({
      ...hot,
      counters: context.counters,
      slice: this.#slice,
      cell: this.#cell,
      removed: REMOVED,
      bySteps: (value, timestamp) => this.#elementBySteps(value, timestamp),
    });
    const { output } = options;
    this.#fireBucket = fresh(
      firingSlices,
      context.name,
    )({
      ...hot,
      ...{ output, plain: output.plain, buckets: this.#buckets, lingerMs: this.#lingerMs },
      derive: (key, time) => context.derive(key, time),
      bySteps: (live, firing) => this.#fireBySteps(live, firing),
    });
  }

  /** An element that the quick way leaves: the first of its slice, or one that comes late. It has been received. */
  #elementBySteps(value: unknown, timestamp: number): void {
    const slice = this.#slice;
    if (!(timestamp >= slice.from && timestamp < slice.to) && !this.#enter(value, timestamp))
      return;
    if (slice.lateAt <= this.#firedUpTo) {
      this.#tooLate(value, timestamp);
      return;
    }
    const live = this.#store.slotOf(this.#cell) as unknown as KeySlices;
    this.#store.touch(live);
    try {
      if (live.from === slice.offset && live.size > 0)
        live.accumulator = this.#aggregator.add(live.accumulator, value);
      else this.#addToOther(live, value);
      if (slice.from < this.#lastFiredEnd) this.#addBehind(live, value);
    } catch (cause) {
      this.#context.fail(cause, { key: live.key, timestamp });
    }
    this.#context.counters.accepted += 1;
  }

  advance(time: number, budget: Budget): boolean {
    for (;;) {
      if (this.#firing === undefined) {
        const { next } = this.#buckets;
        // Infinity stands for nobody, too; then there is nobody in the bucket.
        if (next > time || next === Infinity) break;
        this.#firing = this.#firingAt(next);
      }
      if (!this.#fireBucket(this.#firing, budget)) return false;
      this.#firing = undefined;
    }
    this.#hasFired(time);
    return true;
  }

  /** What `why` asks: how many keys wait, and the first time that one waits for. */
  waiting(): { count: number; earliest: number } {
    return this.#buckets.waiting((live) => (live.isEmpty ? undefined : this.#buckets.timeOf(live)));
  }

  /** A key that the quick way leaves: of several slices, or with lateness to come. */
  #fireBySteps(live: KeySlices, firing: SliceFiring): void {
    const { time, window, keepFrom } = firing;
    live.waits = false;
    if (window !== undefined && !live.isEmpty) {
      this.#context.derive(live.key, time);
      this.#fire(live, window);
    }
    if (live.oldest < keepFrom) this.#forget(live, firing);
    // Mostly the next window of a key is the next one of all.
    if (live.oldest <= firing.nextWake) this.#buckets.add(live, firing.nextWake);
    else this.#wakeNext(live, time);
  }

  #firingAt(time: number): SliceFiring {
    const slices = this.#slices;
    const isEnd = slices.isEnd(time + 1);
    const { latenessMs } = this.#options;
    return {
      time,
      wake: time - this.#origin.ms,
      slots: this.#buckets.take(),
      at: 0,
      window: isEnd ? slices.windowEndingAt(time + 1) : undefined,
      keepFrom: slices.earliestAfter(time + 1 - latenessMs),
      nextWake: isEnd && latenessMs === 0 ? time + slices.slideMs : NaN,
    };
  }

  #hasFired(watermark: number): void {
    this.#firedUpTo = watermark;
    this.#wakeOfCurrent = NaN;
    this.#lastFiredEnd = Number.isFinite(watermark)
      ? this.#slices.endAfter(watermark + 1) - this.#slices.slideMs
      : watermark;
    this.#slice.judge(watermark, this.#lastFiredEnd);
  }

  /** Makes the slice of the timestamp the current one. Returns false when the element has been dealt with. */
  #enter(value: unknown, timestamp: number): boolean {
    this.#wakeOfCurrent = NaN;
    if (!Number.isFinite(timestamp)) {
      this.#context.reject(value, timestamp, timestampMissing(this.#context.name));
      return false;
    }
    if (this.#slice.enter(timestamp)) {
      this.#slice.judge(this.#firedUpTo, this.#lastFiredEnd);
      return true;
    }
    // Between two windows; after Flink, it is late all the same where an element of a window would be.
    if (timestamp + this.#options.latenessMs <= this.#firedUpTo) this.#tooLate(value, timestamp);
    else this.#context.counters.filtered += 1;
    return false;
  }

  #tooLate(value: unknown, timestamp: number): void {
    const { late } = this.#options;
    this.#context.late(value, timestamp);
    if (late !== undefined) this.#context.side(late).element(value, timestamp);
  }

  /** Adds to a slice that is not the newest of its key, or to a new one. */
  #addToOther(live: KeySlices, value: unknown): void {
    const { from } = this.#slice;
    if (live.start === from) {
      live.accumulator = this.#aggregator.add(live.accumulator, value);
      return;
    }
    if (live.start > from) {
      const index = live.find(from);
      const before = index >= 0 ? live.at(index) : this.#aggregator.create();
      live.put(index, from, this.#aggregator.add(before, value));
      if (index >= 0) return;
    } else {
      const accumulator = this.#aggregator.add(this.#aggregator.create(), value);
      if (live.isEmpty) live.origin = this.#origin;
      live.open(from, accumulator);
    }
    if (this.#wakeOfCurrent !== this.#wakeOfCurrent)
      this.#wakeOfCurrent = this.#wakeOf(from, this.#firedUpTo);
    this.#buckets.add(live, this.#wakeOfCurrent);
  }

  /** The slice has been part of windows that have fired: they say their new result, or the running total grows. */
  #addBehind(live: KeySlices, value: unknown): void {
    if (this.#sums.keepsTotals) {
      if (live.hasTotal) live.total = this.#aggregator.add(live.total, value);
      return;
    }
    const { latenessMs } = this.#options;
    if (latenessMs === 0) return;
    const { from } = this.#slice;
    const slices = this.#slices;
    // The latest first, as Flink assigns windows.
    for (let end = slices.lastEnd(from); end >= slices.firstEnd(from); end -= slices.slideMs)
      if (end - 1 <= this.#firedUpTo && end - 1 + latenessMs > this.#firedUpTo)
        this.#fire(live, slices.windowEndingAt(end));
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
  #wakeNext(live: KeySlices, firedUpTo: number): void {
    if (!live.isEmpty) {
      let earliest = Infinity;
      for (let at = 0; at < live.size; at += 1)
        earliest = Math.min(earliest, this.#wakeOf(live.startAt(at), firedUpTo));
      this.#buckets.add(live, earliest);
    } else if (live.lingers || firedUpTo === MIN_WATERMARK) {
      this.#store.release(live);
    } else {
      live.lingers = true;
      this.#buckets.add(live, Math.floor(firedUpTo) + this.#lingerMs);
    }
  }

  /** Drops the slices that no window may ask for any more. They are the oldest ones. */
  #forget(live: KeySlices, { time, keepFrom }: SliceFiring): void {
    this.#store.touch(live);
    while (live.oldest < keepFrom) {
      const gone = live.shift();
      if (live.hasTotal) live.total = this.#aggregator.subtract?.(live.total, gone);
    }
    if (live.isEmpty || live.oldest > time) live.forgetTotal();
  }

  #fire(live: KeySlices, window: TimeWindow): void {
    const { start, end } = window;
    let value: unknown;
    try {
      if (live.isSingle) {
        if (live.start < start || live.start >= end) return;
        value = this.#aggregator.result(live.accumulator);
      } else {
        if (!this.#sums.of(live, window)) return;
        value = this.#aggregator.result(this.#sums.found);
      }
    } catch (cause) {
      this.#context.fail(cause, { key: live.key, timestamp: end - 1 });
    }
    this.#options.output.emit(live.key, window, value, end - 1);
  }
}
