/**
 * The slice of the element before. Neighbours mostly share it, so what can be known of it is computed once: its borders,
 * and the watermark from which on it is too late.
 */
import type { TimeOrigin } from '../time/time-origin.js';
import type { SliceAssigner } from '../time/windows.js';

export class CurrentSlice {
  readonly #slices: SliceAssigner;
  readonly #latenessMs: number;
  /** `[from, to)` in ms; NaN when there is none. */
  from = NaN;
  to = NaN;
  /** The watermark at which the last window of the slice, and its lateness, are over. */
  lateAt = NaN;
  /** `from`, counted from the origin. */
  offset = 0;
  /**
   * Whether there is nothing special about it: it is not too late for its elements, and none of its windows has fired.
   */
  isPlain = false;
  readonly #origin: TimeOrigin;

  constructor(slices: SliceAssigner, latenessMs: number, origin: TimeOrigin) {
    this.#origin = origin;
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
    this.#origin.settle(slice);
    this.offset = slice - this.#origin.ms;
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
}
