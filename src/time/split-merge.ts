/**
 * The watermark of several source splits together: the minimum over those that take part.
 *
 *     split 0   ──▶ 40 ┐
 *     split 1   ──▶ 25 ├──▶ 25        split 2 is idle, so nobody waits for it
 *     split 2   ──▶  7 ┘ (idle)
 *
 * Laws: the watermark never goes back. A split that comes back behind it, or is new, is waited for: the watermark
 * stands still until the split has caught up, so that only what lies behind the watermark already is late. When all
 * are idle, the furthest one speaks. After Flink's `WatermarkOutputMultiplexer`, as of version 2.
 *
 * Inputs that meet behind the sources follow another rule, see `frontier.ts`: there a straggler is not waited for.
 */
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';

/** What one split says; it is read at each `combine`, never kept. */
export interface SplitMark {
  readonly watermark: number;
  readonly idle: boolean;
}

export class SplitMerge {
  readonly #marks = new Set<SplitMark>();
  #watermark = MIN_WATERMARK;

  /** As of the last `combine`. */
  get watermark(): number {
    return this.#watermark;
  }

  get isEmpty(): boolean {
    return this.#marks.size === 0;
  }

  /** Whether nothing is to be expected for now: there are splits, and all are idle. */
  get isIdle(): boolean {
    for (const { idle } of this.#marks) if (!idle) return false;
    return this.#marks.size > 0;
  }

  add(mark: SplitMark): void {
    this.#marks.add(mark);
  }

  /** A split that has ended or gone holds nothing back from the next `combine` on. Returns whether it was there. */
  remove(mark: SplitMark): boolean {
    return this.#marks.delete(mark);
  }

  /** The watermark of all together, from what the splits say now. */
  combine(): number {
    let lowest = MAX_WATERMARK;
    let furthest = MIN_WATERMARK;
    let isIdle = true;
    for (const { watermark, idle } of this.#marks) {
      if (watermark > furthest) furthest = watermark;
      if (idle) continue;
      isIdle = false;
      if (watermark < lowest) lowest = watermark;
    }
    return this.raise(isIdle ? furthest : lowest);
  }

  /** Raises the watermark to at least `watermark`, as when a checkpoint is put back. */
  raise(watermark: number): number {
    if (watermark > this.#watermark) this.#watermark = watermark;
    return this.#watermark;
  }
}
