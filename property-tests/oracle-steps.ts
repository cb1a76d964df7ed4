/** What the oracle does to whole streams: one element at a time, and what law 3 counts of it. */
import type { AsyncStep } from './async-step.js';
import {
  copies,
  isKept,
  mapped,
  plain,
  type Item,
  type KeyChoice,
  type StatelessStep,
} from './description.js';
import type { Moment, Timed } from './oracle-stream.js';
import type { Arrival } from './reference-process.js';

/** What law 3 counts at one operator. */
export interface Count {
  readonly received: number;
  readonly accepted: number;
  readonly late: number;
  readonly filtered: number;
  readonly dead: number;
}

/** The counts of all operators, by their names. */
export class Ledger {
  readonly counts = new Map<string, Count>();
  readonly #names = new Map<string, number>();

  count(name: string, received: number, lost: Partial<Count> = {}): void {
    const { late = 0, filtered = 0, dead = 0 } = lost;
    const accepted = received - late - filtered - dead;
    this.counts.set(name, { received, accepted, late, filtered, dead });
  }

  /** Stateless steps are named for what they are, numbered from the second on. */
  named(name: string): string {
    const times = (this.#names.get(name) ?? 0) + 1;
    this.#names.set(name, times);
    return times === 1 ? name : `${name}-${times}`;
  }
}

/** What a step without state makes of an element. */
export function applied(step: StatelessStep | AsyncStep, { item, timestamp }: Timed): Timed[] {
  return resultsOf(step, item).map((result) => ({ item: result, timestamp }));
}

function resultsOf(step: StatelessStep | AsyncStep, item: Item): Item[] {
  switch (step.step) {
    case 'map':
    case 'asyncMap':
      return [mapped(step, item)];
    case 'filter':
      return isKept(step, item) ? [item] : [];
    case 'flatMap':
      return copies(step, item);
    case 'rx':
      return isKept(step, item) ? [mapped(step, item)] : [];
  }
}

/** Each element of a stream replaced by some. */
export function each(stream: readonly Moment[], by: (element: Timed) => Timed[]): Moment[] {
  return stream.map((moment) => ({ ...moment, elements: moment.elements.flatMap(by) }));
}

/** Those elements of a stream that pass. */
export function only(stream: readonly Moment[], passes: (element: Timed) => boolean): Moment[] {
  return stream.map((moment) => ({ ...moment, elements: moment.elements.filter(passes) }));
}

export function onSide(moment: Moment, sideOf: (element: Timed) => 0 | 1): Moment<Arrival> {
  const elements = moment.elements.map((element) => ({ ...element, side: sideOf(element) }));
  return { ...moment, elements };
}

/** The elements of a side output, as they are told from others. */
export function marked(stream: readonly Moment[], side: string): Moment[] {
  return each(stream, ({ item, timestamp }) => [{ item: { ...item, side }, timestamp }]);
}

/** Behind a dedupe whose ties must not show. */
export function plainly(stream: readonly Moment[], by: KeyChoice): Moment[] {
  return each(stream, ({ item, timestamp }) => [{ item: plain(by, item), timestamp }]);
}
