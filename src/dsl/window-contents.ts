/** What lies in a window: a running value, or all its elements where an evictor must choose among them. */
import type { Evictor, WindowElement } from '../time/evictors.js';
import type { Aggregator } from './aggregators.js';
import type { WindowRecord } from './window-records.js';

type Elements = WindowElement<unknown>[];

export class WindowContents {
  readonly #aggregator: Aggregator<unknown, unknown, unknown>;
  readonly #evictor: Evictor<unknown> | undefined;

  constructor(
    aggregator: Aggregator<unknown, unknown, unknown>,
    evictor: Evictor<unknown> | undefined,
  ) {
    this.#aggregator = aggregator;
    this.#evictor = evictor;
  }

  add(record: WindowRecord, value: unknown, timestamp: number): void {
    if (this.#evictor === undefined) {
      const before = record.hasContents ? record.contents : this.#aggregator.create();
      record.put(this.#aggregator.add(before, value));
      return;
    }
    if (!record.hasContents) record.put([]);
    (record.contents as Elements).push({ value, timestamp });
  }

  /** Puts the contents of a window into another one, behind what is there. */
  merge(into: WindowRecord, from: WindowRecord): void {
    if (!from.hasContents) return;
    if (!into.hasContents) into.put(from.contents);
    else if (this.#evictor === undefined)
      into.put(this.#aggregator.merge(into.contents, from.contents));
    else into.put([...(into.contents as Elements), ...(from.contents as Elements)]);
  }

  /** What the window is worth as it fires, behind an evictor that stands before it. */
  fire(record: WindowRecord): unknown {
    if (this.#evictor === undefined) return this.#aggregator.result(record.contents);
    if (this.#evictor.when === 'before') this.#evict(record, this.#evictor);
    let accumulator = this.#aggregator.create();
    if (record.hasContents)
      for (const { value } of record.contents as Elements)
        accumulator = this.#aggregator.add(accumulator, value);
    return this.#aggregator.result(accumulator);
  }

  /** The window has fired: the turn of an evictor that stands behind it. */
  fired(record: WindowRecord): void {
    if (this.#evictor?.when === 'after') this.#evict(record, this.#evictor);
  }

  #evict(record: WindowRecord, evictor: Evictor<unknown>): void {
    const kept = [...evictor.keep(record.contents as Elements)];
    // An emptied window still fires this once, and then not before new elements come.
    if (kept.length === 0) record.purge();
    else record.put(kept);
  }
}
