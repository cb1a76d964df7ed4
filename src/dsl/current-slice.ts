/**
 * The slice of the element before. Neighbours mostly share it, so what can be known of it is computed once: its borders,
 * the watermark from which on it is too late, a small number to tell it from others.
 */
import type { SliceAssigner } from '../time/windows.js';

/** Slices that have a number at a time. */
const NUMBERS_MAX = 64;

export class CurrentSlice {
  readonly #slices: SliceAssigner;
  readonly #latenessMs: number;
  /** `[from, to)` in ms; NaN when there is none. */
  from = NaN;
  to = NaN;
  /** The watermark at which the last window of the slice, and its lateness, are over. */
  lateAt = NaN;
  /** Another one for each slice; never 0. */
  number = 0;
  /**
   * Whether there is nothing special about it: it is not too late for its elements, and none of its windows has fired.
   */
  isPlain = false;
  readonly #numbers = new Map<number, number>();
  #count = 0;

  constructor(slices: SliceAssigner, latenessMs: number) {
    this.#slices = slices;
    this.#latenessMs = latenessMs;
  }

  /** Goes to the slice of a time. Returns false when it lies between two windows (slide > size). */
  enter(timestamp: number): boolean {
    const slice = this.#slices.sliceOf(timestamp);
    const lastEnd = this.#slices.lastEnd(slice);
    if (lastEnd <= slice) {
      this.from = NaN;
      this.isPlain = false;
      return false;
    }
    this.from = slice;
    this.to = slice + this.#slices.widthMs;
    this.lateAt = lastEnd - 1 + this.#latenessMs;
    this.number = this.#numberOf(slice);
    return true;
  }

  /**
   * Judges it anew, after it has been entered or windows have fired.
   *
   * @param firedUpTo the watermark up to which windows have fired
   * @param lastFiredEnd the end of the latest window that has fired, or would have
   */
  judge(firedUpTo: number, lastFiredEnd: number): void {
    this.isPlain = this.lateAt > firedUpTo && this.from >= lastFiredEnd;
  }

  #numberOf(slice: number): number {
    let number = this.#numbers.get(slice);
    if (number !== undefined) return number;
    // Forgotten now and then, all at once: a key then looks at the time of its slice once more.
    if (this.#numbers.size >= NUMBERS_MAX) this.#numbers.clear();
    this.#count += 1;
    number = this.#count;
    this.#numbers.set(slice, number);
    return number;
  }
}
