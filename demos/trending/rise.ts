/** Watches charts for the climb of the day: a key that came from nowhere and reached the top. */
import type { Chart } from './chart.js';

export interface Rise {
  readonly key: string;
  /** Ends of the windows in which it entered the chart, came first, and was counted most; epoch ms. */
  readonly enteredAt: number;
  readonly enteredCount: number;
  readonly firstAt: number;
  readonly peakAt: number;
  readonly peakCount: number;
}

/** A handful is chance and no trend, and whoever has hardly grown came first because the others fell. */
const countMin = 10;
const growthMin = 3;

type Draft = { -readonly [Name in keyof Rise]: Rise[Name] };

/** Charts come in the order of their windows; mended ones of the past are left out of the story. */
export class RiseWatch {
  readonly #draft = new Map<string, Draft>();
  /** In the first window everything is new, and until it is full the order means little. */
  #nowhereFrom = Infinity;
  #last = -Infinity;

  on({ window: { start, end }, entries }: Chart): void {
    if (end <= this.#last) return;
    if (this.#last === -Infinity) this.#nowhereFrom = end + (end - start);
    this.#last = end;
    for (const { key, rank, count, change } of entries) {
      if (change === 'new') this.#enter(key, count, end);
      const draft = this.#draft.get(key);
      if (draft === undefined) continue;
      if (rank === 1 && draft.firstAt === Infinity) draft.firstAt = end;
      if (count > draft.peakCount) Object.assign(draft, { peakCount: count, peakAt: end });
    }
  }

  /** The highest of all climbs to the top that began after the first full window. */
  get best(): Rise | undefined {
    let best: Draft | undefined;
    for (const draft of this.#draft.values()) {
      if (draft.firstAt === Infinity || draft.enteredAt < this.#nowhereFrom) continue;
      if (draft.peakCount < Math.max(countMin, growthMin * draft.enteredCount)) continue;
      if (best === undefined || draft.peakCount > best.peakCount) best = draft;
    }
    return best;
  }

  /** A key that drops out and comes back before it was first begins again, unless it was there from the start. */
  #enter(key: string, count: number, end: number): void {
    const known = this.#draft.get(key);
    if (known !== undefined && (known.enteredAt < this.#nowhereFrom || known.firstAt !== Infinity))
      return;
    this.#draft.set(key, {
      key,
      enteredAt: end,
      enteredCount: count,
      firstAt: Infinity,
      peakAt: end,
      peakCount: 0,
    });
  }
}
