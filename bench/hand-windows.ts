/**
 * Counts per key and window by hand, as a performance engineer would write them for exactly these jobs: whole
 * milliseconds, counts only, elements at most one slide behind the watermark, nothing late.
 *
 *     sliding: counts of a key   [ 3 | 1 | 0 | 2 | . ]     a ring: one counter per slide of a window, and one more
 *                                  ^ window ^    ^ next    for elements that are ahead of the window that fires next
 *
 * The total over the ring is kept, so that a window fires with one subtraction whatever the overlap. Tumbling windows
 * need no ring: one counter for the window that fires next, one for the window behind it.
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
  /** How far the watermark stays behind the newest event, ms. Default `OUT_OF_ORDER_MS`. */
  readonly boundMs?: number;
  /** How finely the watermark moves, ms. Default 200, as in the engine. */
  readonly everyMs?: number;
}

export type Fire = (results: CountResult[], window: TimeWindow) => void;

/** What counts events in windows of some kind. */
export interface HandWindows {
  add(play: Play): void;
  addAll(plays: readonly Play[]): void;
  /** Fires all that is left. */
  end(): void;
}

/** The watermark, as the engine moves it by default: at multiples of 200 ms. */
export class HandWatermark {
  readonly #boundMs: number;
  readonly #everyMs: number;
  #highest = -Infinity;
  #next = -Infinity;

  constructor({ boundMs = OUT_OF_ORDER_MS, everyMs = 200 }: Partial<WindowSizes> = {}) {
    this.#boundMs = boundMs;
    this.#everyMs = everyMs;
  }

  /** Takes the time of an event; gives the watermark when it has moved, and undefined otherwise. */
  after(at: number): number | undefined {
    if (at <= this.#highest) return undefined;
    this.#highest = at;
    const watermark = at - this.#boundMs - 1;
    if (watermark < this.#next) return undefined;
    this.#next = (Math.floor((watermark + 1) / this.#everyMs) + 1) * this.#everyMs - 1;
    return watermark;
  }
}

interface Pane {
  readonly user: number;
  /** Elements of the window that fires next. */
  count: number;
  /** Elements of the window behind it. */
  ahead: number;
}

export class HandTumbling implements HandWindows {
  readonly #sizeMs: number;
  readonly #panes = new Map<number, Pane>();
  readonly #watermark: HandWatermark;
  readonly #fire: Fire;
  /** The end of the window that fires next. */
  #end = Number.NaN;

  constructor(sizes: WindowSizes, fire: Fire) {
    this.#sizeMs = sizes.sizeMs;
    this.#watermark = new HandWatermark(sizes);
    this.#fire = fire;
  }

  add({ user, at }: Play): void {
    // Not a number before the first element; those up to the bound behind it are in time as well.
    if (!(at < this.#end + this.#sizeMs)) this.#enter(at);
    let pane = this.#panes.get(user);
    if (pane === undefined) {
      pane = { user, count: 0, ahead: 0 };
      this.#panes.set(user, pane);
    }
    if (at < this.#end) pane.count += 1;
    else pane.ahead += 1;
    const watermark = this.#watermark.after(at);
    if (watermark !== undefined) while (this.#end - 1 <= watermark) this.#fireNext();
  }

  addAll(plays: readonly Play[]): void {
    for (let index = 0; index < plays.length; index += 1) this.add(plays[index] as Play);
  }

  end(): void {
    while (this.#panes.size > 0) this.#fireNext();
  }

  #enter(at: number): void {
    if (!Number.isNaN(this.#end)) {
      // A gap in the events: what lies before it is complete.
      while (at >= this.#end + this.#sizeMs) this.#fireNext();
      return;
    }
    const earliest = at - OUT_OF_ORDER_MS;
    this.#end = Math.floor(earliest / this.#sizeMs) * this.#sizeMs + this.#sizeMs;
  }

  #fireNext(): void {
    const window = { start: this.#end - this.#sizeMs, end: this.#end };
    const results: CountResult[] = [];
    for (const pane of this.#panes.values()) {
      if (pane.count > 0) results.push({ key: pane.user, window, value: pane.count });
      // Forgotten one window late, because most keys come back at once.
      else if (pane.ahead === 0) this.#panes.delete(pane.user);
      pane.count = pane.ahead;
      pane.ahead = 0;
    }
    this.#end += this.#sizeMs;
    if (results.length > 0) this.#fire(results, window);
  }
}

interface KeyCounts {
  readonly user: number;
  readonly ring: number[];
  total: number;
}

export class HandSliding implements HandWindows {
  readonly #sizeMs: number;
  readonly #slideMs: number;
  readonly #slots: number;
  readonly #keys = new Map<number, KeyCounts>();
  readonly #watermark: HandWatermark;
  readonly #fire: Fire;
  /** The end of the window that fires next. */
  #end = Number.NaN;
  /** The slice of the element before, and its place in the rings. */
  #slice = Number.NaN;
  #slot = 0;

  constructor(sizes: WindowSizes, fire: Fire) {
    const { sizeMs, slideMs } = sizes;
    this.#sizeMs = sizeMs;
    this.#slideMs = slideMs;
    this.#slots = sizeMs / slideMs + 1;
    this.#watermark = new HandWatermark(sizes);
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
    const watermark = this.#watermark.after(at);
    if (watermark !== undefined) while (this.#end - 1 <= watermark) this.#fireNext();
  }

  addAll(plays: readonly Play[]): void {
    for (let index = 0; index < plays.length; index += 1) this.add(plays[index] as Play);
  }

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
    // The rings reach one slide beyond the next window; after a gap in the events what lies before it is complete.
    while (at >= this.#end + this.#slideMs) this.#fireNext();
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
