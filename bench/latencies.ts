/**
 * From the end of each window to the moment when its last result has come out. One number per window, the worst of its
 * results: they leave together, so ten thousand of them are not ten thousand measurements.
 */
import type { Measures } from './case.js';
import type { CountResult } from './hand-windows.js';

/** Fewer windows than this say nothing about one in a hundred, or in a thousand. */
const enoughFor = { p50Ms: 10, p99Ms: 100, p999Ms: 1000 } as const;

interface Observed {
  latencyMs: number;
  results: number;
}

export class Latencies {
  readonly #windows = new Map<number, Observed>();
  readonly #sinceMs: (eventTime: number) => number;
  #end = Number.NaN;
  #observed: Observed = { latencyMs: Number.NaN, results: 0 };
  #open: number[] = [];

  /** @param sinceMs for how long an event time has been over */
  constructor(sinceMs: (eventTime: number) => number) {
    this.#sinceMs = sinceMs;
  }

  /** Takes a result; its time is that of the next `out`. */
  add({ window: { end } }: CountResult): void {
    if (end !== this.#end) this.#enter(end);
    this.#observed.results += 1;
  }

  /** All results taken so far are out. */
  out(): void {
    for (const end of this.#open) {
      const observed = this.#windows.get(end);
      if (observed !== undefined) observed.latencyMs = this.#sinceMs(end);
    }
    this.#open = [];
    this.#end = Number.NaN;
  }

  addAll(results: readonly CountResult[]): void {
    for (let index = 0; index < results.length; index += 1) this.add(results[index] as CountResult);
    this.out();
  }

  /** Of the windows that end behind `after` and not behind `upTo`; percentiles that too few windows stand for are left out. */
  measures({ after, upTo }: { readonly after: number; readonly upTo: number }): Measures {
    const chosen = [...this.#windows]
      .filter(([end]) => end > after && end <= upTo)
      .map(([, observed]) => observed);
    const sorted = chosen.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
    const percentiles = { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
    const said = Object.entries(percentiles).filter(
      ([name]) => sorted.length >= enoughFor[name as keyof typeof enoughFor],
    );
    const results = chosen.reduce((sum, observed) => sum + observed.results, 0);
    return { ...Object.fromEntries(said), windows: sorted.length, results };
  }

  #enter(end: number): void {
    let observed = this.#windows.get(end);
    if (observed === undefined) {
      observed = { latencyMs: Number.NaN, results: 0 };
      this.#windows.set(end, observed);
    }
    this.#end = end;
    this.#observed = observed;
    this.#open.push(end);
  }
}
