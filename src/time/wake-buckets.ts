/**
 * Who has something to do at which time, without an order among those of one time: a heap of distinct times, and an
 * array for each. An entry costs a push; one that has moved on to an earlier time stays behind and is passed over.
 */
import { TimeHeap } from './time-heap.js';
import type { TimeOrigin } from './time-origin.js';

/** Whoever waits carries the time that it waits for. */
export interface Waiter {
  /** Whether it stands in a bucket. Whoever takes it out sets this to false. */
  waits: boolean;
  /** The time that it waits for, counted from the origin; means nothing while it does not wait. */
  wake: number;
}

export class WakeBuckets<W extends Waiter> {
  readonly #origin: TimeOrigin;
  readonly #widthMs: number;
  readonly #buckets = new Map<number, W[]>();
  readonly #times = new TimeHeap();
  /** The bucket that was used last: neighbours mostly share it. */
  #lastTime = NaN;
  #last: W[] = [];

  /**
   * @param origin what waiters count from
   * @param widthMs 0: a bucket for each time. More: a bucket holds all times of so many ms, and whoever takes it out sees
   *   to their order.
   */
  constructor(origin: TimeOrigin, widthMs = 0) {
    this.#origin = origin;
    this.#widthMs = widthMs;
  }

  /** The earliest time of all, Infinity when nobody waits. It may be that only some are there who have moved on. */
  get next(): number {
    return this.#times.peek();
  }

  /** Puts a waiter under a time, unless it waits for an earlier one already. */
  add(waiter: W, time: number): void {
    this.#origin.settle(time);
    const wake = time - this.#origin.ms;
    if ((waiter.waits && wake >= waiter.wake) || time === Infinity) return;
    waiter.waits = true;
    waiter.wake = wake;
    const start = this.startOf(time);
    if (this.#lastTime !== start) {
      let bucket = this.#buckets.get(start);
      if (bucket === undefined) {
        bucket = [];
        this.#buckets.set(start, bucket);
        this.#times.push(start);
      }
      this.#lastTime = start;
      this.#last = bucket;
    }
    this.#last.push(waiter);
  }

  /** Where the bucket of a time begins. */
  startOf(time: number): number {
    return this.#widthMs > 0 ? Math.floor(time / this.#widthMs) * this.#widthMs : time;
  }

  /** The time that somebody waits for, Infinity for none. */
  timeOf(waiter: W): number {
    return waiter.waits ? this.#origin.ms + waiter.wake : Infinity;
  }

  /** Takes the bucket of the earliest time out. Those who wait for another time have moved on. */
  take(): readonly W[] {
    const time = this.#times.pop();
    const bucket = this.#buckets.get(time) ?? [];
    this.#buckets.delete(time);
    if (this.#lastTime === time) this.#lastTime = NaN;
    return bucket;
  }

  /**
   * How many wait, and the first time that one waits for; counts them all, for diagnosis.
   *
   * @param timeOf what a waiter waits for in truth, where it stands under an earlier time; undefined: it does not count
   */
  waiting(timeOf: (waiter: W) => number | undefined): { count: number; earliest: number } {
    let count = 0;
    let earliest = Infinity;
    for (const [time, bucket] of this.#buckets) {
      // Whoever has left a time and come back to it stands there twice.
      for (const waiter of new Set(bucket)) {
        const isHere = this.startOf(this.timeOf(waiter)) === time;
        const awaited = isHere ? timeOf(waiter) : undefined;
        if (awaited === undefined) continue;
        count += 1;
        earliest = Math.min(earliest, awaited);
      }
    }
    return { count, earliest };
  }
}
