/**
 * Counts per key and window by hand, as a performance engineer would write them for exactly this job: whole
 * milliseconds, counts only, elements at most one slide behind the watermark, nothing late.
 *
 *     counts of a key    [ 3 | 1 | 0 | 2 | . ]     a ring: one counter per slide of a window, and one more for
 *                          ^ window ^    ^ next    elements that are ahead of the window that fires next
 *
 * The total over the ring is kept, so that a window fires with one subtraction whatever the overlap.
 */
import { OUT_OF_ORDER_MS, type Play } from './plays.js';

export interface TimeWindow {
  readonly start: number;
  readonly end: number;
}

/** Of the same shape as what the engine emits. */
export interface CountResult {
  readonly key: number;
  readonly window: TimeWindow;
  readonly value: number;
}

export interface WindowSizes {
  readonly sizeMs: number;
  readonly slideMs: number;
}

/** How finely the watermark moves, as it does in the engine by default. */
const WATERMARK_EVERY_MS = 200;

interface KeyCounts {
  readonly user: number;
  readonly ring: number[];
  total: number;
}

export class HandWindows {
  readonly #sizeMs: number;
  readonly #slideMs: number;
  readonly #slots: number;
  readonly #keys = new Map<number, KeyCounts>();
  #highest = -Infinity;
  #watermarkAt = -Infinity;
  /** The end of the window that fires next. */
  #end = Number.NaN;
  /** The slice of the element before, and its place in the rings. */
  #slice = Number.NaN;
  #slot = 0;
  readonly #fire: (results: CountResult[], window: TimeWindow) => void;

  constructor(
    { sizeMs, slideMs }: WindowSizes,
    fire: (results: CountResult[], window: TimeWindow) => void,
  ) {
    this.#sizeMs = sizeMs;
    this.#slideMs = slideMs;
    this.#slots = sizeMs / slideMs + 1;
    this.#fire = fire;
  }

  add({ user, at }: Play): void {
    if (!(at >= this.#slice && at < this.#slice + this.#slideMs)) this.#enterSlice(at);
    let counts = this.#keys.get(user);
    if (counts === undefined) {
      counts = { user, ring: new Array<number>(this.#slots).fill(0), total: 0 };
      this.#keys.set(user, counts);
    }
    const { ring } = counts;
    ring[this.#slot] = (ring[this.#slot] as number) + 1;
    counts.total += 1;
    if (at > this.#highest) {
      this.#highest = at;
      if (at - OUT_OF_ORDER_MS - 1 >= this.#watermarkAt) this.#advance(at - OUT_OF_ORDER_MS - 1);
    }
  }

  /** Fires all that is left. */
  end(): void {
    while (this.#keys.size > 0) this.#fireNext();
  }

  #enterSlice(at: number): void {
    this.#slice = Math.floor(at / this.#slideMs) * this.#slideMs;
    this.#slot = (this.#slice / this.#slideMs) % this.#slots;
    // The first element; those up to the bound behind it are in time as well.
    if (Number.isNaN(this.#end)) {
      const earliest = at - OUT_OF_ORDER_MS;
      this.#end = Math.floor(earliest / this.#slideMs) * this.#slideMs + this.#slideMs;
    }
  }

  #advance(watermark: number): void {
    this.#watermarkAt =
      (Math.floor((watermark + 1) / WATERMARK_EVERY_MS) + 1) * WATERMARK_EVERY_MS - 1;
    while (this.#end - 1 <= watermark) this.#fireNext();
  }

  #fireNext(): void {
    const window = { start: this.#end - this.#sizeMs, end: this.#end };
    const ahead = (this.#end / this.#slideMs) % this.#slots;
    const oldest = (window.start / this.#slideMs) % this.#slots;
    const results: CountResult[] = [];
    for (const counts of this.#keys.values()) {
      const { user, ring } = counts;
      const value = counts.total - (ring[ahead] as number);
      // Forgotten one window late, because most keys come back at once.
      if (value > 0) results.push({ key: user, window, value });
      else if (counts.total === 0) this.#keys.delete(user);
      counts.total -= ring[oldest] as number;
      ring[oldest] = 0;
    }
    this.#end += this.#slideMs;
    if (results.length > 0) this.#fire(results, window);
  }
}
