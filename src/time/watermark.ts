/**
 * The built-in watermark generator: a function of the data alone. Element n is judged by elements 1..n-1 of its split,
 * never by chunk boundaries or wall-clock timers, so a replay sees the watermarks that the live run saw.
 *
 * Semantics after Flink's `BoundedOutOfOrdernessWatermarks`: highest timestamp - bound - 1.
 */
import { MIN_WATERMARK } from '../core/flow.js';
import type { SplitMark } from './split-merge.js';

/** The watermark of one source split, whoever makes it. Law: it never goes back. */
export interface SplitGenerator extends SplitMark {
  idle: boolean;
  ended: boolean;
  /** Highest timestamp taken, ms; -Infinity before the first element. */
  readonly highest: number;
  /** How far the watermark stays behind it; undefined where functions of the user decide. */
  readonly boundMs?: number;
  /** The earliest timestamp of an element that would raise the watermark to `time` or beyond, where that is known. */
  needs?(time: number): number;
  /** Takes an element that has been passed on. Returns whether the task has to walk: it was raised, or has woken. */
  on(timestamp: number, value: unknown): boolean;
  /** Asked now and then by the clock; only generators that want it have it. Returns whether the watermark has risen. */
  periodic?(now: number): boolean;
  /** Sends what is pending: before idleness and at the end of the split. Returns whether there was anything. */
  flush(): boolean;
  /** Raises the watermark to at least `time`, whatever the data says; for test harnesses. */
  force(time: number): boolean;
  snapshot(): SplitGeneratorState;
  /** Also what another kind of generator has left, as far as it fits. */
  restore(saved: SplitGeneratorState): void;
}

/** What a checkpoint holds of a split. Times in ms. */
export interface SplitGeneratorState {
  /** Highest timestamp taken; -Infinity before the first element. */
  readonly highest: number;
  /** The watermark sent last. */
  readonly sent: number;
  readonly idle: boolean;
  /** Absent in what older releases have written. */
  readonly ended?: boolean;
  /** The state of a generator of the user. */
  readonly state?: unknown;
}

export class BoundedOutOfOrderness implements SplitGenerator {
  readonly boundMs: number;
  readonly #everyMs: number;
  #highest = MIN_WATERMARK;
  #sent = MIN_WATERMARK;
  /** The timestamp at or above which the next watermark is sent: compared per element, so kept ready. */
  #sendAt = MIN_WATERMARK;
  idle = false;
  ended = false;

  /**
   * @param options.boundMs how far an element may lie behind the highest timestamp without being late
   * @param options.everyMs watermarks are sent when they cross a multiple of this; 0 sends each
   */
  constructor({ boundMs, everyMs }: { boundMs: number; everyMs: number }) {
    this.boundMs = boundMs;
    this.#everyMs = everyMs;
  }

  /** As sent so far. */
  get watermark(): number {
    return this.#sent;
  }

  get highest(): number {
    return this.#highest;
  }

  needs(time: number): number {
    return Math.max(time + this.boundMs + 1, this.#sendAt);
  }

  on(timestamp: number): boolean {
    if (timestamp > this.#highest) {
      this.#highest = timestamp;
      if (timestamp >= this.#sendAt && this.flush()) {
        this.idle = false;
        return true;
      }
    }
    if (!this.idle) return false;
    this.idle = false;
    return true;
  }

  flush(): boolean {
    return this.#send(this.#highest - this.boundMs - 1);
  }

  force(time: number): boolean {
    return this.#send(time);
  }

  snapshot(): SplitGeneratorState {
    return { highest: this.#highest, sent: this.#sent, idle: this.idle, ended: this.ended };
  }

  restore({ highest, sent, idle, ended = false }: SplitGeneratorState): void {
    this.#highest = highest;
    this.idle = idle;
    this.ended = ended;
    this.#send(sent);
  }

  #send(watermark: number): boolean {
    if (watermark <= this.#sent) return false;
    this.#sent = watermark;
    // At the next multiple of `every` above watermark + 1. Floor, not %: timestamps may be negative.
    if (this.#everyMs > 0)
      this.#sendAt =
        (Math.floor((watermark + 1) / this.#everyMs) + 1) * this.#everyMs + this.boundMs;
    return true;
  }
}
