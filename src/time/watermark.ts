/**
 * Watermark generators: functions of the data alone. Element n is judged by elements 1..n-1 of its split, never by
 * chunk boundaries or wall-clock timers, so a replay sees the watermarks that the live run saw.
 *
 * Semantics after Flink's `BoundedOutOfOrdernessWatermarks`: highest timestamp - bound - 1.
 */
import { MIN_WATERMARK } from '../core/flow.js';

export interface BoundedOutOfOrdernessState {
  /** Highest timestamp seen, ms; -Infinity before the first element. */
  readonly highest: number;
  /** The watermark sent last, ms. */
  readonly sent: number;
  readonly idle: boolean;
}

/** The watermark of one source split. Law: it never goes back. */
export class BoundedOutOfOrderness {
  readonly #boundMs: number;
  readonly #everyMs: number;
  #highest = MIN_WATERMARK;
  #sent = MIN_WATERMARK;
  /** The raw watermark at or above which the next one is sent: compared per element, so kept ready. */
  #sendAt = MIN_WATERMARK;
  idle = false;
  ended = false;

  /**
   * @param options.boundMs how far an element may lie behind the highest timestamp without being late
   * @param options.everyMs watermarks are sent when they cross a multiple of this; 0 sends each
   */
  constructor({ boundMs, everyMs }: { boundMs: number; everyMs: number }) {
    this.#boundMs = boundMs;
    this.#everyMs = everyMs;
  }

  /** The watermark as sent so far. */
  get watermark(): number {
    return this.#sent;
  }

  /** Takes the timestamp of an element that has been passed on. Returns whether the watermark is to be sent. */
  on(timestamp: number): boolean {
    if (timestamp > this.#highest) this.#highest = timestamp;
    return (
      timestamp - this.#boundMs - 1 >= this.#sendAt && this.#send(this.#highest - this.#boundMs - 1)
    );
  }

  /** Sends what is pending: before idleness and at the end of the split. */
  flush(): boolean {
    return this.#send(this.#highest - this.#boundMs - 1);
  }

  /** Raises the watermark to at least `time`, whatever the data says; for test harnesses. */
  force(time: number): boolean {
    return this.#send(time);
  }

  snapshot(): BoundedOutOfOrdernessState {
    return { highest: this.#highest, sent: this.#sent, idle: this.idle };
  }

  restore({ highest, sent, idle }: BoundedOutOfOrdernessState): void {
    this.#highest = highest;
    this.idle = idle;
    this.#send(sent);
  }

  #send(watermark: number): boolean {
    if (watermark <= this.#sent) return false;
    this.#sent = watermark;
    // The next multiple of `every` above watermark + 1, minus 1. Floor, not %: timestamps may be negative.
    this.#sendAt =
      this.#everyMs === 0
        ? watermark + 1
        : (Math.floor((watermark + 1) / this.#everyMs) + 1) * this.#everyMs - 1;
    return true;
  }
}
